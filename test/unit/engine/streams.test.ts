import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { demux } from '../../../src/engine/demux.ts';
import { readFrames } from '../../../src/engine/frames.ts';
import { parseReference } from '../../../src/engine/reference.ts';
import { packOne, unpackOne } from '../../../src/engine/tar-one.ts';

async function* byteByByte(bytes: Buffer): AsyncGenerator<Buffer> {
  for (const byte of bytes) yield Buffer.from([byte]);
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

function output(type: number, text: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = type;
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

describe('what the engine streams', () => {
  test('output of both streams is taken apart wherever the chunks end', async () => {
    const bytes = Buffer.concat([output(1, 'out'), output(2, ''), output(2, 'err'), output(1, 'ü')]);
    const chunks = await all(demux(byteByByte(bytes)));
    const text = (stream: string) =>
      Buffer.concat(chunks.filter((one) => one.stream === stream).map((one) => one.bytes)).toString();
    assert.deepEqual([text('stdout'), text('stderr')], ['outü', 'err']);
  });

  test('frames are JSON lines wherever the chunks end, the last one without a newline too', async () => {
    const frames = await all(readFrames(byteByByte(Buffer.from('{"status":"grüß"}\r\n\n{"error":"no"}'))));
    assert.deepEqual(frames, [{ status: 'grüß' }, { error: 'no' }]);
  });

  test('a line that is no JSON is told with its text', async () => {
    await assert.rejects(all(readFrames(byteByByte(Buffer.from('<html>\n')))), {
      kind: 'unreachable',
      detail: '<html>',
    });
  });

  test('a file is read back from its own tar, and from one with extended headers before it', () => {
    const tar = packOne('etc/file', Buffer.from('content'));
    assert.equal(tar.length % 512, 0);
    assert.equal(unpackOne(tar, '/etc/file').toString(), 'content');
    const extended = packOne('PaxHeader', Buffer.from('30 mtime=1700000000.123456789\n'));
    extended.write('x', 156);
    assert.equal(unpackOne(Buffer.concat([extended.subarray(0, 1024), tar]), '/etc/file').toString(), 'content');
  });

  test('a folder or a link is no file', () => {
    const tar = packOne('etc', Buffer.alloc(0));
    tar.write('5', 156);
    assert.throws(() => unpackOne(tar, '/etc'), { message: '/etc in the container is no regular file' });
  });

  test('references are taken apart as docker does', () => {
    const of = (text: string) => Object.values(parseReference(text));
    assert.deepEqual(of('alpine'), ['docker.io', 'alpine', 'latest']);
    assert.deepEqual(of('storm/web:1'), ['docker.io', 'storm/web', '1']);
    assert.deepEqual(of('localhost:5000/web'), ['localhost:5000', 'localhost:5000/web', 'latest']);
    assert.deepEqual(of('localhost/web:2'), ['localhost', 'localhost/web', '2']);
    assert.deepEqual(of('r.example/a/b:1@sha256:abc'), ['r.example', 'r.example/a/b', 'sha256:abc']);
  });
});
