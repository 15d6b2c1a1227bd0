import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { unlessGone } from './if-there.ts';
import { stampOf } from './list-inputs.ts';
import { readWhole } from './read-whole.ts';

/** The coarsest clock of a file system in use ticks every two seconds (FAT): a younger file may change unseen. */
const oldEnoughMs = 2000;

/** Remembers the hash of a file for as long as its size, times and inode stay. In memory, for one session. */
export class HashCache {
  readonly #known = new Map<string, { readonly stamp: string; readonly hash: string }>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /**
   * @param stamp of the file as it was listed.
   * @returns the SHA-256 of its bytes; undefined when it is gone. @throws Failure `build` when it can't be read.
   */
  async hashOf(path: string, stamp: string): Promise<string | undefined> {
    const known = this.#known.get(path);
    if (known?.stamp === stamp) return known.hash;
    const read = readWhole(path);
    const found = read === 'large' ? await readLarge(path) : read && { ...read, hash: hashOf(read.content) };
    if (!found) return undefined;
    const { hash, before, after } = found;
    const isOld = this.#now() - Math.max(after.mtimeMs, after.ctimeMs) > oldEnoughMs;
    if (isOld && stampOf(before) === stampOf(after)) this.#known.set(path, { stamp: stampOf(after), hash });
    return hash;
  }
}

async function readLarge(path: string) {
  const file = await open(path).catch(unlessGone(path));
  if (!file) return undefined;
  await using _ = file;
  const before = await file.stat();
  const hash = createHash('sha256');
  for await (const chunk of file.createReadStream({ autoClose: false })) hash.update(chunk as Buffer);
  return { hash: hash.digest('hex'), before, after: await file.stat() };
}

function hashOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
