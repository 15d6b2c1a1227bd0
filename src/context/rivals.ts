import { posix } from 'node:path';
import type { Disk } from './disk.ts';
import { covers } from './path-pattern.ts';
import { isWithin, mayBeArchive, type Place } from './places.ts';
import { type CopySource, type CopyStep, formatStep, type Step } from './steps.ts';

export interface Contest {
  readonly place: Place;
  /** Of the step of the chain that puts the file there. */
  readonly index: number;
  /** The file, as the context has it. */
  readonly path: string;
  readonly chain: readonly Step[];
  readonly disk: Disk;
  readonly isIgnored: (path: string) => boolean;
}

/**
 * Looks for what else is put where a file lands: another file of the context, before or after it, or later something of
 * another stage, an image, a URL or an archive. Which of them the image has is then for the build to say.
 */
export function findRival({ place, index, path, chain, disk, isIgnored }: Contest): string | undefined {
  for (const [at, step] of chain.entries()) {
    if (step.kind !== 'copy') continue;
    const { to } = step;
    if (to === undefined) return `${formatStep(step)} may write over ${place.to}: only the build knows where it goes`;
    if (!isWithin(place.to, to)) continue;
    if (step.bringsOthers && at >= index) return `${formatStep(step)} may write over ${place.to}`;
    for (const source of step.sources) {
      const found = matchesOf(source, step, place.to, disk)
        .filter((other) => other !== path && (at >= index || !isArchiveOf(step, other)))
        .find((other) => disk.kindAt(other) !== undefined && !isIgnored(other));
      if (found !== undefined) return `${formatStep(step)} may put ${found} at ${place.to} too`;
    }
  }
  return undefined;
}

/** @returns the files of the context that a source may put at `to`, whether they are there or not. */
function matchesOf(source: CopySource, step: CopyStep, to: string, disk: Disk): readonly string[] {
  const { pattern } = source;
  const folder = step.to;
  if (!pattern || folder === undefined) return [];
  const below = posix.relative(folder, to);
  if (step.flags.parents) {
    const other = posix.join(source.pivot, below);
    return covers(pattern, other) ? [other] : [];
  }
  return disk.matches(pattern).flatMap(({ path, kind }) => {
    if (kind === 'folder') return below === '' ? [] : [posix.join(path, below)];
    if (kind === 'link' || isArchiveOf(step, path)) return [path];
    return below === '' || below === posix.basename(path) ? [path] : [];
  });
}

/** What an archive holds may lie anywhere below its destination. */
function isArchiveOf({ flags }: CopyStep, path: string): boolean {
  return flags.unpacks && mayBeArchive(path);
}
