import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import type { Engine } from '../../../src/engine/engine.ts';

/** @returns path to type, mode and content of every file in an image's layers; times are left out. */
export async function filesOfImage(
  engine: Engine,
  reference: string,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const saved = await entriesOf(await engine.save([reference], signal));
  const read = (path: string): Buffer => {
    const found = saved.get(path);
    if (!found) throw new Error(`the saved image has no ${path}`);
    const { header, content } = found;
    return header.type === 'symlink' ? read(posix.join(posix.dirname(path), header.linkname)) : content;
  };
  const [image] = JSON.parse(read('manifest.json').toString()) as { Layers: string[] }[];
  const files: Record<string, string> = {};
  for (const layer of image?.Layers ?? []) {
    const bytes = read(layer);
    const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
    for (const [name, { header, content }] of await entriesOf(Readable.from([plain]))) {
      const what = header.type === 'symlink' ? header.linkname : createHash('sha256').update(content).digest('hex');
      files[name.replace(/\/$/, '')] = `${header.type} ${header.mode.toString(8)} ${header.uid}:${header.gid} ${what}`;
    }
  }
  return files;
}

async function entriesOf(
  stream: Readable,
): Promise<Map<string, { readonly header: Header; readonly content: Buffer }>> {
  const entries = new Map<string, { readonly header: Header; readonly content: Buffer }>();
  const unpacking = extract();
  stream.on('error', (error) => unpacking.destroy(error));
  stream.pipe(unpacking);
  for await (const entry of unpacking)
    entries.set(entry.header.name, { header: entry.header, content: await buffer(entry) });
  return entries;
}
