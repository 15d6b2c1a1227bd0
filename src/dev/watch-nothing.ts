import { Channel } from '../lib/channel.ts';
import type { FileBatch, FileWatch } from '../watch/watch-files.ts';

/** A watch for a session that shall not watch: it never sees a change. */
export function watchNothing(): FileWatch {
  const batches = new Channel<FileBatch>();
  return {
    ready: Promise.resolve(),
    batches,
    update: () => Promise.resolve(),
    taken: () => {},
    [Symbol.asyncDispose]: async () => batches.close(),
  };
}
