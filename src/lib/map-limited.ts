/**
 * Runs `task` for every item, at most `width` at a time.
 *
 * @returns the results in the order of the items.
 * @throws the first error, once what was running has ended; nothing more is started after it.
 */
export async function mapLimited<T, R>(
  items: readonly T[],
  width: number,
  task: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const errors: unknown[] = [];
  const queue = items.entries();
  const work = async () => {
    for (const [index, item] of queue) {
      if (errors.length > 0) return;
      try {
        results[index] = await task(item);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, work));
  if (errors.length > 0) throw errors[0];
  return results;
}
