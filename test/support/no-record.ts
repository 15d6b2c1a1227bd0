import type { SyncedRecord } from '../../src/dev/synced-record.ts';

/** Of containers that no session before gave anything to. */
export const noRecord: SyncedRecord = {
  before: () => undefined,
  note: () => {},
  written: () => Promise.resolve(),
};
