import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { Frame } from '../../../src/terminal/frame.ts';

/** A terminal of 40 columns and 6 rows that keeps each write apart. */
class Recorder extends PassThrough {
  columns = 40;
  rows = 6;
  readonly writes: string[] = [];
  override write(text: string | Uint8Array): boolean {
    this.writes.push(String(text));
    return true;
  }
}

test('lines are drawn over those before them, from a cursor that rests at the first, and only when they are others', () => {
  const out = new Recorder();
  let lines = ['one', 'two'];
  using frame = new Frame(out, () => lines);
  frame.refresh();
  frame.refresh();
  lines = ['three'];
  frame.refresh();
  assert.deepEqual(out.writes, [
    '\u001B[?25l\u001B[?2026h\r\u001B[Jone\ntwo\r\u001B[1A\u001B[?2026l',
    '\u001B[?2026h\r\u001B[Jthree\r\u001B[?2026l',
  ]);
});

test('one that ends leaves what was drawn last, with the cursor below it; one that never drew leaves nothing', () => {
  const out = new Recorder();
  const listeners = process.listenerCount('exit');
  const frame = new Frame(out, () => ['one', 'two']);
  frame.refresh();
  frame[Symbol.dispose]();
  frame[Symbol.dispose]();
  assert.equal(out.writes.at(-1), '\r\u001B[Jone\ntwo\n\u001B[?25h');
  assert.equal(out.writes.length, 2);
  new Frame(out, () => ['one'])[Symbol.dispose]();
  assert.equal(out.writes.length, 2);
  assert.equal(process.listenerCount('exit'), listeners);
});

test('another size draws it anew, within the terminal', () => {
  const out = new Recorder();
  const sizes: unknown[] = [];
  using frame = new Frame(out, (size) => {
    sizes.push(size);
    return ['1', '2', '3', '4', '5', '6', '7'];
  });
  frame.refresh();
  out.rows = 4;
  out.emit('resize');
  assert.deepEqual(sizes, [
    { columns: 39, rows: 5 },
    { columns: 39, rows: 3 },
  ]);
  assert.match(out.writes.at(-1) ?? '', /J1\n2\n3\r/);
});

test('line ends within a line count, and nothing in it moves the cursor', () => {
  const out = new Recorder();
  using frame = new Frame(out, () => ['one\ntwo\u001B[2J\u001B[5A', '\u001B[31mthree\u001B[0m']);
  frame.refresh();
  assert.deepEqual(out.writes, [
    '\u001B[?25l\u001B[?2026h\r\u001B[Jone\ntwo\n\u001B[31mthree\u001B[0m\r\u001B[2A\u001B[?2026l',
  ]);
});
