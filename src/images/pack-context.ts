import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { type Header, type Pack, pack } from 'tar-stream';
import type { ContextRules } from '../context/read-context.ts';
import { Failure } from '../errors.ts';
import type { OnRead } from '../lib/on-read.ts';
import { InputDigest, type Inputs } from './digest-inputs.ts';
import { unlessGone } from './if-there.ts';
import type { InputFile } from './list-inputs.ts';
import { readWhole } from './read-whole.ts';

const chunkBytes = 256 * 1024;

type EntryHeader = Partial<Header> & Pick<Header, 'name'>;
type Sink = ReturnType<Pack['entry']>;

export interface PackedContext {
  /** A tar of the inputs and the Dockerfile. Destroying it ends the packing. */
  readonly stream: Readable;
  /** Settles, and never rejects, when no file is read any more: after the end, an error or `stream.destroy()`. */
  readonly ended: Promise<void>;
  /** @returns the very bytes that were packed; undefined unless all of them were. */
  inputs(): Inputs | undefined;
}

/**
 * Packs what a build can receive. A file that is gone since it was listed is left out. One that has another size by now
 * is sent as it is; one beyond 1 MiB that grows is cut at the size it had when its turn came, and one that shrinks under
 * our hands ends the stream with a Failure: a tar with a hole would be built without a word.
 * Owner and group are root, as `docker build` has it; times are real.
 *
 * @param onRead is not told of the Dockerfile: that was read before.
 */
export function packContext(
  rules: ContextRules,
  files: readonly InputFile[],
  onRead: OnRead = () => {},
): PackedContext {
  const tar = pack();
  let inputs: Inputs | undefined;
  const ended = fill(tar, rules, files, onRead).then(
    (result) => {
      inputs = result;
      tar.finalize();
    },
    (error: unknown) => {
      tar.destroy(error instanceof Error ? error : new Error(String(error)));
    },
  );
  return { stream: Readable.from(tar, { objectMode: false }), ended, inputs: () => inputs };
}

async function fill(tar: Pack, rules: ContextRules, files: readonly InputFile[], onRead: OnRead): Promise<Inputs> {
  const digest = new InputDigest(rules);
  const dockerfile = Buffer.from(rules.dockerfileText);
  const listed = files.some(({ path }) => path === rules.dockerfile);
  if (!listed) await addEntry(tar, { name: rules.dockerfile, mode: 0o644, type: 'file' }, dockerfile);
  for (const file of files) {
    const header = { name: file.path, mode: file.mode, mtime: file.mtime };
    if (file.path === rules.dockerfile) {
      await addEntry(tar, { ...header, type: 'file' }, dockerfile);
      digest.add(file, undefined);
    } else if (file.kind === 'file') {
      const sha256 = await addFile(tar, { ...header, type: 'file' }, file.absolute);
      onRead(file.absolute, sha256);
      digest.add(file, sha256);
    } else {
      const link = file.kind === 'link' ? { type: 'symlink' as const, linkname: file.target } : undefined;
      await addEntry(tar, { ...header, ...(link ?? { type: 'directory' }) });
      digest.add(file, undefined);
    }
  }
  return digest.end();
}

/** @returns the hash of what was packed; undefined when the file is gone, or something else took its name. */
async function addFile(tar: Pack, header: EntryHeader, path: string): Promise<string | undefined> {
  const whole = readWhole(path);
  if (whole === undefined) return undefined;
  if (whole !== 'large') {
    await addEntry(tar, header, whole.content);
    return createHash('sha256').update(whole.content).digest('hex');
  }
  const file = await open(path).catch(unlessGone(path));
  if (!file) return undefined;
  await using _ = file;
  return await addLarge(tar, header, file, (await file.stat()).size);
}

async function addLarge(tar: Pack, header: EntryHeader, file: FileHandle, size: number): Promise<string> {
  const hash = createHash('sha256');
  await new Promise<void>((resolve, reject) => {
    const sink = openEntry(tar, { ...header, size }, undefined, resolve, reject);
    const take = async (chunk: Buffer) => {
      hash.update(chunk);
      await write(sink, chunk);
    };
    copy(file, size, header.name, take).then(() => sink.end(null), reject);
  });
  return hash.digest('hex');
}

async function copy(
  file: FileHandle,
  size: number,
  path: string,
  take: (chunk: Buffer) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < size; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(chunkBytes, size - at)), 0, null, at);
    if (bytesRead === 0) {
      throw new Failure('build', 'a file of the build context shrank while it was sent', {
        where: path,
        next: 'build again when nothing writes to it, or name it in .dockerignore',
      });
    }
    await take(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

/** Waits until the stream takes more. @throws once it is destroyed. */
async function write(stream: Sink, chunk: Buffer): Promise<void> {
  if (stream.destroyed) throw new Error('the context is not read any more');
  if (stream.write(chunk)) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}

function addEntry(tar: Pack, header: EntryHeader, content?: Buffer): Promise<void> {
  return new Promise((resolve, reject) => openEntry(tar, header, content, resolve, reject));
}

function openEntry(
  tar: Pack,
  header: EntryHeader,
  content: Buffer | undefined,
  resolve: () => void,
  reject: (error: Error) => void,
): Sink {
  const done = (error?: Error | null) => (error ? reject(error) : resolve());
  const sink = content ? tar.entry(header, content, done) : tar.entry(header, done);
  // It emits what it gives to `done` too, which ends the process when nobody listens.
  sink.on('error', () => {});
  return sink;
}
