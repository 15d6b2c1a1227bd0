import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { Screen } from '../../../src/terminal/screen.ts';

/** A terminal of 40 columns that keeps each write apart. */
class Recorder extends PassThrough {
  columns = 40;
  readonly writes: string[] = [];
  override write(text: string | Uint8Array): boolean {
    this.writes.push(String(text));
    this.emit('written');
    return true;
  }
}

const erase = '\r\u001B[J';
const frame = (text: string) => `\u001B[?2026h${erase}${text}\r\u001B[?2026l`;

test('lines of one moment are one write, which erases the bottom line and draws it again below them', async () => {
  const out = new Recorder();
  const screen = new Screen(out, () => 'status');
  for (const line of ['one', 'two', 'three']) screen.print(line);
  await once(out, 'written');
  assert.equal(out.writes.length, 2, 'the beginning, and one frame');
  assert.equal(out.writes[1], frame('one\ntwo\nthree\nstatus'));
  screen.close();
});

test('a flood of lines is drawn a frame at a time, and none is lost', async () => {
  const out = new Recorder();
  const screen = new Screen(out, () => 'status');
  for (let batch = 0; batch < 200; batch++) {
    for (let line = 0; line < 100; line++) screen.print(`line ${batch * 100 + line}`);
    await new Promise(setImmediate);
  }
  screen.close();
  const lines = out.writes.join('').match(/line \d+/g) ?? [];
  assert.deepEqual(
    lines,
    Array.from({ length: 20_000 }, (_, index) => `line ${index}`),
  );
  assert.ok(out.writes.length < 150, `${out.writes.length} writes`);
});

test('a bottom line that did not change is not drawn again, and one that did is', async () => {
  const out = new Recorder();
  let text = 'one';
  const screen = new Screen(out, () => text);
  await once(out, 'written');
  screen.refresh();
  text = 'two';
  screen.refresh();
  await once(out, 'written');
  assert.deepEqual(out.writes.slice(1), [frame('one'), frame('two')]);
  screen.close();
});

test('a resize draws the bottom line for the new width at once', () => {
  const out = new Recorder();
  const widths: number[] = [];
  const screen = new Screen(out, (columns) => {
    widths.push(columns);
    return 'status';
  });
  out.columns = 20;
  out.emit('resize');
  assert.deepEqual(widths, [19]);
  screen.close();
  out.emit('resize');
  assert.equal(widths.length, 1, 'closed, it listens no more');
});

test('closing prints what is left, takes the bottom line away and gives the cursor back', () => {
  const out = new Recorder();
  const screen = new Screen(out, () => 'status');
  screen.print('last');
  screen.close();
  assert.equal(out.writes.at(-1), `${erase}last\n\u001B[?25h\u001B[?2004l`);
});
