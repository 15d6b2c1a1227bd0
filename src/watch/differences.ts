/** What a look at the disk found; a path is in one of the first two at most. */
export interface Differences {
  readonly changed: Set<string>;
  readonly removed: Set<string>;
  /** Of what changed: the files whose executable bits are not what they were. */
  readonly modes: Set<string>;
}

export function noDifferences(): Differences {
  return { changed: new Set(), removed: new Set(), modes: new Set() };
}

export function noteChanged({ changed, removed, modes }: Differences, path: string, modeChanged: boolean): void {
  changed.add(path);
  if (modeChanged) modes.add(path);
  removed.delete(path);
}

export function noteRemoved({ changed, removed, modes }: Differences, path: string): void {
  changed.delete(path);
  modes.delete(path);
  removed.add(path);
}
