import type { GlobArea } from '../lib/glob.ts';

/** What a render reads of this machine: a change of it can change what it gives. */
export interface InputFiles {
  /** Absolute; one that is missing now counts too. */
  readonly files: readonly string[];
  /** Where a new file would be read too. */
  readonly areas: readonly GlobArea[];
}

export interface RenderInputs extends InputFiles {
  /** What is fetched from elsewhere, as the user wrote it: nobody notices when it changes. */
  readonly remote: readonly string[];
}

/** @returns all of them in one, each once. */
export function joinInputs(all: readonly RenderInputs[]): RenderInputs {
  return {
    files: [...new Set(all.flatMap(({ files }) => files))],
    areas: all.flatMap(({ areas }) => areas),
    remote: [...new Set(all.flatMap(({ remote }) => remote))],
  };
}
