/** How many are named; the rest is counted. */
const mostNamed = 3;

/** @returns `a, b, c, 4 more`. */
export function nameSome<T>(all: readonly T[], nameOf: (one: T) => string): string {
  const named = all.slice(0, mostNamed).map(nameOf);
  const more = all.length > mostNamed ? [`${all.length - mostNamed} more`] : [];
  return [...named, ...more].join(', ');
}
