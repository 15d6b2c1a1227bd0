/** A path of the build context, or a glob that names some: one element a segment; none at all names the root. */
export type PathPattern = readonly Segment[];

export type Segment = { readonly kind: 'name'; readonly name: string } | GlobSegment | { readonly kind: 'any' };

interface GlobSegment {
  readonly kind: 'glob';
  readonly matches: RegExp;
}

/**
 * Reads a source of COPY as Docker does: relative to the root of the context whether it starts with a slash or not,
 * `.` and `..` resolved, and each segment a pattern of Go's filepath.Match.
 *
 * @param doubleStar whether `**` stands for any number of folders (`COPY --parents` and ignore files); else it is `*`.
 * @returns undefined for a malformed pattern.
 */
export function parsePattern(source: string, doubleStar = false): PathPattern | undefined {
  const segments: Segment[] = [];
  for (const part of source.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      segments.pop();
      continue;
    }
    const segment = toSegment(part, doubleStar);
    if (!segment) return undefined;
    segments.push(segment);
  }
  return segments;
}

function toSegment(part: string, doubleStar: boolean): Segment | undefined {
  if (doubleStar && part === '**') return { kind: 'any' };
  if (!/[*?[\\]/.test(part)) return { kind: 'name', name: part };
  const source = globSource(part);
  return source === undefined ? undefined : { kind: 'glob', matches: new RegExp(`^${source}$`, 'su') };
}

/** https://pkg.go.dev/path/filepath#Match */
function globSource(glob: string): string | undefined {
  let source = '';
  for (let at = 0; at < glob.length; ) {
    const rest = glob.slice(at);
    const [token] = /^(?:\*|\?|\\.|\[\^?(?:\\.|[^\\\]-])(?:\\.|[^\\\]])*\]|[^*?[\\])/su.exec(rest) ?? [];
    if (token === undefined) return undefined;
    if (token === '*') source += '.*';
    else if (token === '?') source += '.';
    else if (token.startsWith('[')) source += classSource(token);
    else source += escapeRegExp(token.startsWith('\\') ? token.slice(1) : token);
    at += token.length;
  }
  return isRegExp(source) ? source : undefined;
}

function classSource(token: string): string {
  const negated = token.startsWith('[^');
  const body = token
    .slice(negated ? 2 : 1, -1)
    .replace(/\\(.)|[[^]/gsu, (char, escaped?: string) =>
      /^[[\]^\\-]$/.test(escaped ?? char) ? `\\${escaped ?? char}` : char.slice(-1),
    );
  return `[${negated ? '^' : ''}${body}]`;
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

function isRegExp(source: string): boolean {
  try {
    return new RegExp(source, 'su') instanceof RegExp;
  } catch {
    return false;
  }
}

/** @returns a pattern that names exactly this path. */
export function exactPattern(path: string): PathPattern {
  return splitPath(path).map((name) => ({ kind: 'name', name }));
}

/** @returns true when the pattern names the path or a folder above it. */
export function covers(pattern: PathPattern, path: string): boolean {
  // As every file of `COPY . .` is asked for.
  return pattern.length === 0 || positionsAfter(pattern, splitPath(path)) === 'covered';
}

/** @returns true when a path below the folder could be covered. */
export function mayCoverBelow(pattern: PathPattern, folder: string): boolean {
  const positions = positionsAfter(pattern, splitPath(folder));
  return positions === 'covered' || positions.size > 0;
}

export function splitPath(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

/** Walks the pattern along the path, as an automaton whose states are positions in the pattern. */
function positionsAfter(pattern: PathPattern, names: readonly string[]): ReadonlySet<number> | 'covered' {
  let positions = withSkips(pattern, new Set([0]));
  for (const name of names) {
    if (positions.has(pattern.length)) return 'covered';
    const next = new Set<number>();
    for (const at of positions) {
      const segment = pattern[at];
      if (segment?.kind === 'any') next.add(at);
      else if (segment && matchesName(segment, name)) next.add(at + 1);
    }
    positions = withSkips(pattern, next);
  }
  return positions.has(pattern.length) ? 'covered' : positions;
}

/** `**` stands for no folder too. */
function withSkips(pattern: PathPattern, positions: Set<number>): Set<number> {
  for (const at of positions) if (pattern[at]?.kind === 'any') positions.add(at + 1);
  return positions;
}

export function matchesName(segment: Segment, name: string): boolean {
  if (segment.kind === 'name') return segment.name === name;
  return segment.kind === 'any' || segment.matches.test(name);
}
