import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import { Terminal } from '../../../src/terminal/terminal.ts';
import { randomOf } from '../../support/random.ts';
import { ScreenModel } from '../../support/screen-model.ts';

/** A terminal that joins no emoji, the kind that needs the most room. */
function widthApart(character: string): number {
  if (/^[\p{Mark}\p{Format}]$/u.test(character)) return 0;
  return /^[\p{Emoji_Presentation}\p{Script=Han}\p{Script=Hangul}]$/u.test(character) ? 2 : 1;
}

/** One that joins them draws the parts behind the first in no room. */
function widthJoined(character: string): number {
  return character === '💻' || character === '🏽' ? 0 : widthApart(character);
}

/** Writes into a model, and looks after each frame whether the status line stands, whole and alone, at the bottom. */
class Window extends Writable {
  readonly isTTY = true;
  columns: number;
  readonly model: ScreenModel;
  frames = 0;

  constructor(columns: number, widthOf: (character: string) => number) {
    super({ decodeStrings: false });
    this.columns = columns;
    this.model = new ScreenModel(columns, widthOf);
  }

  override _write(text: string, _encoding: string, done: () => void): void {
    this.model.write(text);
    if (text.endsWith('\u001B[?2026l')) {
      this.frames++;
      const { text: bottom, isLast, column } = this.model.bottom;
      assert.match(bottom, /^(starting|.*\bweb\b)/, 'the status line');
      assert.ok(isLast, `it takes one row of ${this.columns}: ${bottom}`);
      assert.equal(column, 0);
      this.emit('frame');
    }
    done();
  }

  resize(columns: number, reflows: boolean): void {
    this.columns = columns;
    this.model.resize(columns, { reflows });
    this.emit('resize');
  }
}

const pieces = [
  'word ',
  'a-longer-word ',
  '日本語',
  '한국어 ',
  '🚀',
  '👩‍💻',
  '👍🏽 ',
  '🇫🇷',
  '❤️',
  'e\u0301',
  '\t',
  ' ',
  '\u001B[31m',
  '\u001B[0m',
  '\u001B[1;4m',
  '\u001B[38;5;9m',
  '\u001B[2J',
  '\u001B[10A',
  '\u001B[1G',
  '\u001B[2K',
  '\u001B[?25h',
  '\u001B]0;title\u0007',
  '\u001B]8;;http://a\u001B\\',
  '\u001B7',
  '\u001B',
  '\u001B[',
  '\u009B2J',
  '\0',
  '\b',
  '\u0007',
  '\uFFFD',
] as const;

for (const [name, widthOf, reflows] of [
  ['joins emoji and cuts off what is too wide', widthJoined, false],
  ['joins no emoji and breaks what is too wide', widthApart, true],
] as const)
  test(`on a terminal that ${name} every line is there once and in order, and the status line below them`, async () => {
    for (const seed of [1, 2, 3]) await flood(seed, widthOf, reflows);
  });

async function flood(seed: number, widthOf: (character: string) => number, reflows: boolean): Promise<void> {
  const random = randomOf(seed);
  const pick = <T>(from: readonly T[]): T => from[random(from.length)] as T;
  const stdout = new Window(80, widthOf);
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  const terminal = new Terminal({
    output: 'text',
    detail: 'normal',
    colour: 'auto',
    streams: true,
    stdout,
    stderr: stdout,
    env: { FORCE_COLOR: '1' },
  });
  terminal.interact({ stdin, onAsked: () => {}, onInterrupt: () => {} });
  const services = ['web', 'user-service', 'notification-preferences'].map((name) => ({
    name,
    selected: true,
    objects: [],
  }));
  terminal.report({ type: 'session.services', services });
  // The status line has characters of all widths too.
  stdin.write('/👩‍💻|👍🏽|日本語|.*\r');
  const told: string[] = [];
  for (let frame = 0; frame < 40; frame++) {
    for (let line = random(30); line >= 0; line--) {
      const mark = `<${told.push(`<${told.length}>`) - 1}>`;
      if (random(10) === 0) {
        terminal.report({ type: 'note', service: 'web', text: `${mark} ${'some words of ours '.repeat(random(9))}` });
        continue;
      }
      const noise = Array.from({ length: random(40) }, () => pick(pieces));
      const { name } = pick(services);
      const pod = `${name}-${random(2)}`;
      // The letter ends a sequence that breaks off.
      const text = `${noise.join('')}x`;
      terminal.report({
        type: 'log',
        source: name,
        namespace: 'n',
        pod,
        container: 'main',
        stamp: '2026-01-01T00:00:00.000000000Z',
        line: `${text}${mark}`,
      });
    }
    const drawn = stdout.frames;
    if (random(4) === 0) stdout.resize(pick([30, 60, 61, 100, 200]), reflows);
    if (stdout.frames === drawn) await once(stdout, 'frame');
  }
  terminal[Symbol.dispose]();
  const { lines } = stdout.model;
  assert.deepEqual(lines.join('\n').match(/<\d+>/g), told, `seed ${seed}`);
  for (const line of lines) assert.ok((line.match(/<\d+>/g) ?? []).length <= 1, `two lines in one: ${line}`);
}
