import { createHash, type Hash } from 'node:crypto';
import { setImmediate as letOthersRun } from 'node:timers/promises';
import type { ContextRules } from '../context/read-context.ts';
import type { Contents } from './contents.ts';
import type { HashCache } from './hash-cache.ts';
import type { InputFile } from './list-inputs.ts';

/** Some milliseconds of reading. */
const filesInARow = 200;

export interface Inputs {
  readonly digest: string;
  /** What the digest is over, one by one. */
  readonly contents: Contents;
}

/**
 * One SHA-256 over everything that decides what a build gives: the Dockerfile, the ignore file, target, arguments and
 * network, and of each input its path, mode, type and content. Not over times: they change nothing in the image's layers.
 *
 * @throws Failure `build` for a file that can't be read; the signal's reason once it is aborted.
 */
export async function digestInputs(
  rules: ContextRules,
  files: readonly InputFile[],
  hashes: HashCache,
  signal: AbortSignal,
): Promise<Inputs> {
  const digest = new InputDigest(rules);
  for (const [index, file] of files.entries()) {
    if (index % filesInARow === 0) await letOthersRun();
    signal.throwIfAborted();
    digest.add(file, file.kind === 'file' ? await hashes.hashOf(file.absolute, file.stamp) : undefined);
  }
  return digest.end();
}

/** The digest in the making: the files in the order of their list, each with the hash of its content. */
export class InputDigest {
  readonly #hash: Hash;
  readonly #dockerfile: string;
  readonly #facts: string;
  readonly #entries = new Map<string, readonly [number, string, string]>();

  constructor({ build, dockerfile, dockerfileText, ignoreText }: ContextRules) {
    const args = Object.entries(build.args).sort(([one], [other]) => (one < other ? -1 : 1));
    const facts = ['inputs/1', dockerfileText, ignoreText, build.target ?? null, args, build.network ?? null];
    const text = JSON.stringify(facts);
    this.#facts = createHash('sha256').update(text).digest('hex');
    this.#hash = createHash('sha256').update(text);
    this.#dockerfile = dockerfile;
  }

  /** @param hash of a file's content; one without is gone and does not count. */
  add(file: InputFile, hash: string | undefined): void {
    const { path, mode, kind } = file;
    if (kind === 'folder') this.#line(path, mode, kind, '');
    else if (kind === 'link') this.#line(path, mode, kind, file.target);
    // The Dockerfile is sent as it was read, so its text stands for it.
    else if (path === this.#dockerfile) this.#line(path, mode, kind, '');
    else if (hash !== undefined) this.#line(path, mode, kind, hash);
  }

  end(): Inputs {
    const contents = { facts: this.#facts, entries: Object.fromEntries(this.#entries) };
    return { digest: `sha256:${this.#hash.digest('hex')}`, contents };
  }

  #line(path: string, mode: number, kind: string, content: string): void {
    this.#entries.set(path, [mode, kind, content]);
    this.#hash.update(`\n${JSON.stringify([path, mode, kind, content])}`);
  }
}
