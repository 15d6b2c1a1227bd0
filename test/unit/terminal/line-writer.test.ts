import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { LineWriter } from '../../../src/terminal/line-writer.ts';

/** A stream that takes one write at a time, when it is told to. */
class Slow extends Writable {
  readonly writes: string[] = [];
  take: () => void = () => {};

  constructor(highWaterMark: number) {
    super({ highWaterMark, decodeStrings: false });
  }

  override _write(text: string, _encoding: string, done: () => void): void {
    this.writes.push(text);
    this.take = done;
  }
}

test('the lines of one turn are one write, in their order', async () => {
  const stream = new Slow(1000);
  const writer = new LineWriter(stream);
  for (const line of ['one', 'two', 'three']) writer.print(line);
  assert.deepEqual(stream.writes, []);
  await new Promise(setImmediate);
  assert.deepEqual(stream.writes, ['one\ntwo\nthree\n']);
  stream.take();
  writer.print('four');
  writer.flush();
  assert.deepEqual(stream.writes, ['one\ntwo\nthree\n', 'four\n']);
});

test('a flood within one turn is written in pieces', () => {
  const stream = new Slow(1e9);
  const writer = new LineWriter(stream);
  for (let n = 0; n < 70; n++) writer.print('x'.repeat(1023));
  assert.equal(stream.writes.length, 1);
  assert.equal(stream.writes[0]?.length, 65 * 1024);
});

test('there is no room from the write that fills the stream on until it has drained', async () => {
  const stream = new Slow(4);
  const writer = new LineWriter(stream, 5);
  assert.equal(writer.drained(), undefined);
  writer.print('a line');
  writer.flush();
  const room = writer.drained();
  assert.ok(room);
  assert.equal(writer.drained(), room, 'all wait for the same');
  stream.take();
  await room;
  assert.equal(writer.drained(), undefined);
  assert.deepEqual(
    ['drain', 'error', 'close'].map((event) => stream.listenerCount(event)),
    [0, 0, 0],
  );
});

test('whoever waits for room goes on when nobody reads any more', async () => {
  const stream = new Slow(4);
  stream.on('error', () => {});
  const writer = new LineWriter(stream, 5);
  writer.print('a line');
  writer.flush();
  const room = writer.drained();
  assert.ok(room);
  stream.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  await room;
  assert.equal(writer.drained(), undefined);
});
