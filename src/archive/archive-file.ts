import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, open, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Pack, pack } from 'tar-stream';
import { Failure } from '../errors.ts';
import { kindOf } from '../lib/if-gone.ts';

const pieceLength = 64 * 1024;

export interface Entry {
  readonly path: string;
  readonly bytes: number;
}

/**
 * A .tar.gz that is written entry by entry, beside its place, and put there when it is whole. No entry is held in memory: one
 * whose length is not known before goes through a temporary file that nobody else can read.
 */
export class ArchiveFile implements AsyncDisposable {
  readonly entries: Entry[] = [];
  readonly #file: string;
  readonly #draft: string;
  readonly #folder: string;
  readonly #spool: string;
  readonly #tar: Pack = pack();
  readonly #written: Promise<void>;
  #isBroken = false;

  private constructor(file: string, folder: string, spool: string) {
    this.#file = file;
    this.#draft = `${file}.${process.pid}.part`;
    this.#folder = folder;
    this.#spool = spool;
    this.#written = pipeline(this.#tar, createGzip(), createWriteStream(this.#draft, { flags: 'wx', mode: 0o600 }));
    // Whoever adds to it or finishes it gets the error.
    this.#written.catch(() => {
      this.#isBroken = true;
    });
  }

  /**
   * @param file absolute. @param folder the one in the archive that all entries are in.
   * @throws Failure `usage` when there is such a file and it may not be replaced, or its folder is not there.
   */
  static async create(file: string, folder: string, mayReplace: boolean): Promise<ArchiveFile> {
    const there = await kindOf(file);
    if (there === 'folder' || (there === 'file' && !mayReplace))
      throw new Failure('usage', `there is such a ${there} already`, {
        where: file,
        next: there === 'file' ? 'name another file, or replace it with --yes' : 'name a file in it',
      });
    if ((await kindOf(dirname(file))) !== 'folder')
      throw new Failure('usage', 'the folder of the archive is not there', {
        where: dirname(file),
        next: 'make it, or name another file',
      });
    return new ArchiveFile(file, folder, await mkdtemp(join(tmpdir(), 'stormctl-archive-')));
  }

  /** Nothing can be added any more: its disk is full, say. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  async addText(path: string, text: string): Promise<void> {
    await this.#guard(async () => {
      const bytes = Buffer.from(text);
      await new Promise<void>((resolve, reject) => {
        this.#tar.entry(this.#header(path), bytes, (error) => (error ? reject(error) : resolve()));
      });
      this.entries.push({ path, bytes: bytes.length });
    });
  }

  /**
   * Adds what an iterable yields. Where that fails half-way, what came until then is added, and the error is thrown.
   * @returns whether there was anything: an empty file is not added.
   */
  async addStream(path: string, text: AsyncIterable<string>): Promise<boolean> {
    const spool = join(this.#spool, 'entry');
    let failure: { readonly error: unknown } | undefined;
    const handle = await open(spool, 'w', 0o600);
    try {
      for await (const piece of inPieces(text)) await handle.appendFile(piece);
    } catch (error) {
      failure = { error };
    } finally {
      await handle.close();
    }
    const { size } = await stat(spool);
    if (size > 0) await this.#guard(() => this.#copy(path, spool, size));
    if (failure) throw failure.error;
    return size > 0;
  }

  /** Puts the file into its place. @returns its size in bytes. @throws Failure `usage` when it can't be written. */
  async finish(): Promise<number> {
    await this.#guard(async () => {
      this.#tar.finalize();
      await this.#written;
      await rename(this.#draft, this.#file);
    });
    return (await stat(this.#file)).size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#tar.destroy();
    await this.#written.catch(() => {});
    await rm(this.#draft, { force: true });
    await rm(this.#spool, { recursive: true, force: true });
  }

  async #copy(path: string, spool: string, size: number): Promise<void> {
    const sink = this.#tar.entry({ ...this.#header(path), size });
    await pipeline(createReadStream(spool), sink);
    this.entries.push({ path, bytes: size });
  }

  #header(path: string) {
    return { name: `${this.#folder}/${path}`, mode: 0o644, mtime: new Date() };
  }

  /** An archive that can't be written, on a full disk, ends what is written to it: it must not wait for ever. */
  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await Promise.race([work(), this.#written.then(() => new Promise<never>(() => {}))]);
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      throw new Failure('usage', `can't write the archive ${basename(this.#file)}: ${code ?? message}`, {
        where: this.#file,
        detail: message,
        cause,
      });
    }
  }
}

/** Joins what is short: a write for each line takes longer than the lines. */
async function* inPieces(text: AsyncIterable<string>): AsyncGenerator<string, void, void> {
  let piece = '';
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const each of text) {
      piece += each;
      if (piece.length < pieceLength) continue;
      yield piece;
      piece = '';
    }
  } catch (error) {
    failure = { error };
  }
  if (piece !== '') yield piece;
  if (failure) throw failure.error;
}
