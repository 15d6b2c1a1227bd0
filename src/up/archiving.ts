import type { ArchiveFile } from '../archive/archive-file.ts';
import type { Redaction } from '../archive/redaction.ts';

/** Something that an archive was to hold and could not. */
export interface Problem {
  readonly what: string;
  readonly why: string;
}

/** What the parts of an archive are written with. */
export interface Archiving {
  readonly archive: ArchiveFile;
  readonly redaction: Redaction;
  readonly signal: AbortSignal;
  /**
   * Does it; what goes wrong is noted, and undefined returned.
   * @throws AbortError, and what keeps the archive from being written.
   */
  readonly attempt: <T>(what: string, work: () => Promise<T>) => Promise<T | undefined>;
}
