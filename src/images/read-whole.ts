import { closeSync, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { ifThere } from './if-there.ts';

/** Files up to this size are read in one go. */
const wholeBytes = 1024 * 1024;

export interface WholeFile {
  readonly content: Buffer;
  /** Of the open file, before and after the reading. */
  readonly before: Stats;
  readonly after: Stats;
}

/**
 * Reads a file unless it is large. It blocks, for microseconds: promises of `fs` cost ten times as much for a small file,
 * and a context has thousands. Who reads many lets others run in between.
 *
 * @returns undefined when it is gone, or something else took its name. @throws Failure `build` when it can't be read.
 */
export function readWhole(path: string): WholeFile | 'large' | undefined {
  const file = ifThere(path, () => openSync(path, 'r'));
  if (file === undefined) return undefined;
  try {
    const before = fstatSync(file);
    if (!before.isFile()) return undefined;
    if (before.size > wholeBytes) return 'large';
    const content = readFileSync(file);
    return { content, before, after: fstatSync(file) };
  } finally {
    closeSync(file);
  }
}
