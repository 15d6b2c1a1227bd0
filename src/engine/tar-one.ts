import { Failure } from '../errors.ts';

const block = 512;
const regular = new Set(['0', '\0']);
/** Extended headers, which say more of the entry after them. */
const extended = new Set(['x', 'g']);

/**
 * A tar (ustar) with one file of mode 0600, for the engine's archive API.
 * https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_06
 *
 * @param path relative, at most 100 bytes.
 */
export function packOne(path: string, content: Buffer): Buffer {
  if (Buffer.byteLength(path) > 100) throw new RangeError(`${path} is longer than a tar header holds`);
  const header = Buffer.alloc(block);
  header.write(path, 0);
  header.write('0000600\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  header.write(`${checksum(header).toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc(padding(content.length) + 2 * block)]);
}

/** @returns the content of the first entry of a tar. @throws Failure `unreachable` when that is no regular file. */
export function unpackOne(tar: Buffer, path: string): Buffer {
  for (let at = 0; at + block <= tar.length; ) {
    const type = tar.toString('latin1', at + 156, at + 157);
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 136), 8);
    const from = at + block;
    if (regular.has(type)) return tar.subarray(from, from + size);
    if (!extended.has(type)) break;
    at = from + size + padding(size);
  }
  throw new Failure('unreachable', `${path} in the container is no regular file`);
}

/** The sum of the header's bytes, with the sum's own eight as blanks. */
function checksum(header: Buffer): number {
  const own = header.subarray(148, 156);
  return header.reduce((sum, byte) => sum + byte, 0) - own.reduce((sum, byte) => sum + byte, 0) + 8 * 0x20;
}

function padding(size: number): number {
  return (block - (size % block)) % block;
}
