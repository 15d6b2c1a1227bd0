import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';

/** @returns the files of a .tar.gz, without the folder that all of them are in. */
export async function readArchive(file: string): Promise<Readonly<Record<string, string>>> {
  const files: Record<string, string> = {};
  const tar = extract();
  const reading = pipeline(createReadStream(file), createGunzip(), tar);
  for await (const entry of tar) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    files[entry.header.name.replace(/^[^/]+\//, '')] = Buffer.concat(chunks).toString();
  }
  await reading;
  return files;
}
