import { posix } from 'node:path';
import { covers, splitPath } from './path-pattern.ts';
import { type CopySource, type CopyStep, formatStep, type Step } from './steps.ts';

/** Where a file lies in the image. */
export interface Place {
  /** Absolute. */
  readonly to: string;
  /** The folder that the COPY names, absolute. */
  readonly root: string;
  /** That of `--chmod`; without one it is the file's own. */
  readonly mode?: number;
}

export interface PlacedFile {
  readonly place: Place;
  /** Of the step in its chain. */
  readonly index: number;
  readonly step: CopyStep;
}

/** @returns a function that says where every COPY of a chain puts a path, each place once, or why that can't be told. */
export function createPlacer(chain: readonly Step[]): (path: string) => readonly PlacedFile[] | string {
  return (path) => {
    const found = new Map<string, PlacedFile>();
    for (const [index, step] of chain.entries()) {
      if (step.kind !== 'copy') continue;
      for (const source of step.sources) {
        if (!source.pattern || !covers(source.pattern, path)) continue;
        const place = placeOf(path, step, source, (folder) => isKnownFolder(chain.slice(0, index), folder));
        if (typeof place === 'string') return `${formatStep(step)}${place}`;
        found.set(place.to, { place: withMode(place, step), index, step });
      }
    }
    return [...found.values()];
  };
}

/**
 * By the rules of BuildKit's copy (tonistiigi/fsutil/copy): of a folder the contents are copied; a file goes into the
 * destination where that is a folder, and becomes it where it is none.
 */
function placeOf(
  path: string,
  step: CopyStep,
  { pattern = [], pivot }: CopySource,
  isKnown: (folder: string) => boolean,
): Place | string {
  const { to, flags } = step;
  if (flags.exclude) return ': only the build knows what --exclude leaves out';
  if (Number.isNaN(flags.chmod)) return ': only the build knows what --chmod makes of its mode';
  if (to === undefined) return ': only the build knows where that is (an absolute WORKDIR before it would tell)';
  if (flags.parents) {
    if (/[*?[\\]/.test(pivot)) return ': only the build knows which folders its pattern drops';
    return { to: posix.join(to, posix.relative(pivot, path)), root: to };
  }
  const below = splitPath(path).slice(pattern.length);
  if (below.length > 0) return { to: posix.join(to, ...below), root: to };
  if (flags.unpacks && mayBeArchive(path)) return ' unpacks it if it is an archive';
  if (step.isFolder || isKnown(to)) return { to: posix.join(to, posix.basename(path)), root: to };
  if (isNamedAsFile(step, path)) return { to, root: posix.dirname(to) };
  return `: only the build knows whether ${to} is a folder (a slash at its end would tell)`;
}

function withMode(place: Place, { flags }: CopyStep): Place {
  return flags.chmod === undefined ? place : { ...place, mode: flags.chmod };
}

/** Archives are known by their content; a name with an ending of its own says enough. */
export function mayBeArchive(path: string): boolean {
  const ending = posix.extname(path).toLowerCase();
  return ending === '' || /^\.(tar|t?gz|t?bz2?|tbz2|t?xz|t?zst|t?lz(ma)?|t?z)$/.test(ending);
}

/** An image may have a folder `/etc/nginx`; that it has a folder `/etc/nginx/nginx.conf` is not to be expected. */
function isNamedAsFile({ to = '', sources }: CopyStep, path: string): boolean {
  if (sources.length > 1 || sources.some(({ pattern }) => pattern?.some(({ kind }) => kind !== 'name'))) return false;
  const ending = posix.extname(path);
  return posix.basename(to) === posix.basename(path) || (ending !== '' && posix.extname(to) === ending);
}

function isKnownFolder(before: readonly Step[], folder: string): boolean {
  if (folder === '/') return true;
  return before.some((step) => {
    if (step.kind === 'folder') return step.folder !== undefined && isWithin(step.folder, folder);
    if (step.kind !== 'copy' || step.to === undefined) return false;
    return isWithin(step.isFolder ? step.to : posix.dirname(step.to), folder);
  });
}

/** @returns whether a path is the folder or lies below it; both are absolute. */
export function isWithin(path: string, folder: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`);
}
