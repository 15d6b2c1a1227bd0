import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogReport } from '../../../src/events.ts';
import { LogLines, type LogLook, plainLook } from '../../../src/terminal/log-lines.ts';
import { compileTemplate } from '../../../src/terminal/log-template.ts';
import { LogPrefixes } from '../../../src/terminal/log-prefix.ts';
import { LogClock } from '../../../src/terminal/log-time.ts';
import { SourceColours } from '../../../src/terminal/source-colours.ts';
import { createStyle } from '../../../src/terminal/style.ts';

interface Options {
  readonly colours: boolean;
  readonly verbatim: boolean;
  readonly cuts: boolean;
}

function open({ colours = false, verbatim = false, cuts = false, ...look }: Partial<LogLook & Options> = {}) {
  const style = createStyle(colours);
  const prefixes = new LogPrefixes({
    style: createStyle(false),
    colours: new SourceColours(),
    columns: () => undefined,
  });
  const lines = new LogLines({ style, look: { ...plainLook, ...look }, prefixes, verbatim, cuts });
  const format = (line: string, more: Partial<LogReport> = {}) =>
    lines.format({
      type: 'log',
      source: 'web',
      namespace: 'storm',
      pod: 'web-1',
      container: 'main',
      stamp: '2026-01-01T00:00:00.123456789Z',
      line,
      ...more,
    });
  return Object.assign(format, { lines });
}

test('a line comes behind its source, and its time where that is asked for', () => {
  assert.equal(open()('text'), 'web │ text');
  assert.equal(open({ clock: new LogClock('short', 'UTC'), showsTime: true })('text'), 'web │ 00:00:00.123 text');
});

test("a container's open colours begin its next line, and no other's", () => {
  const format = open({ colours: true });
  assert.equal(format('\u001B[31mone'), 'web │ \u001B[31mone\u001B[0m');
  assert.equal(format('text', { source: 'db', pod: 'db-1' }), 'db  │ text');
  assert.equal(format('two'), 'web │ \u001B[31mtwo\u001B[0m');
  assert.equal(format('three\u001B[39m'), 'web │ \u001B[31mthree\u001B[39m');
  assert.equal(format('four'), 'web │ four');
});

test('a program that never closes its colours does not paint for ever', () => {
  const format = open({ colours: true });
  format('\u001B[31mone');
  const painted = Array.from({ length: 200 }, () => format('text')).filter((line) => line !== 'web │ text');
  assert.equal(painted.length, 100);
});

test('open colours are kept for the containers that printed last, however many come and go', () => {
  const format = open({ colours: true });
  for (let pod = 0; pod < 1500; pod++) {
    format('\u001B[31mone', { pod: `web-${pod}` });
    format(`\u001B[0m\u001B[3${1 + (pod % 2)}mopen`, { pod: 'web-0' });
  }
  const isPainted = (pod: string) => format('text', { pod })?.includes('mtext');
  assert.deepEqual(['web-0', 'web-1400', 'web-1'].map(isPainted), [true, true, false]);
});

test('matches are marked where there are colours', () => {
  assert.equal(open({ highlight: [/ex/g], colours: true })('text'), 'web │ t\u001B[7mex\u001B[27mt');
  assert.equal(open({ highlight: [/ex/g] })('text'), 'web │ text');
});

const json = '{"level":30,"time":1,"pid":1,"hostname":"h","msg":"hello","reqId":"a 1","req":{"url":"/a"}}';

test('a structured line is shown as level, message and fields', () => {
  assert.equal(open()(json), 'web │ INFO  hello reqId="a 1" req.url=/a');
  assert.equal(open()(`api: ${json}`), 'web │ api: INFO  hello reqId="a 1" req.url=/a');
  assert.equal(
    open({ colours: true })('{"level":"warn","msg":"m","logger":"db","a":1}'),
    'web │ \u001B[33mWARN \u001B[39m \u001B[2m[db]\u001B[22m m \u001B[2ma=1\u001B[22m',
  );
});

test('it stays as it is where a person wants to see all, or the config says so', () => {
  assert.equal(open({ verbatim: true })(json), `web │ ${json}`);
  const format = open();
  format.lines.configure({ exclude: [], mask: true, history: true, fold: false, fields: undefined, level: undefined });
  assert.equal(format(json), `web │ ${json}`);
});

test('of the fields those are shown that were chosen, also within others and those that are left out', () => {
  const format = open();
  format.lines.configure({
    exclude: [],
    mask: true,
    history: true,
    fold: true,
    fields: ['req.url', 'pid', 'none'],
    level: undefined,
  });
  assert.equal(format(json), 'web │ INFO  hello req.url=/a pid=1');
});

test('a stack trace stands below the line, each of its lines behind the prefix', () => {
  const format = open({ clock: new LogClock('short', 'UTC'), showsTime: true });
  assert.equal(
    format('{"level":"error","msg":"two\\nlines","stack":"Error: no\\n    at a.js:1\\n"}'),
    [
      'web │ 00:00:00.123 ERROR two',
      'web │ 00:00:00.123     lines',
      'web │ 00:00:00.123     Error: no',
      'web │ 00:00:00.123         at a.js:1',
    ].join('\n'),
  );
});

test('long values are cut where a person looks at them, and whole in a pipe', () => {
  const long = JSON.stringify({ level: 'info', msg: 'm', body: 'x'.repeat(500) });
  assert.equal(open({ cuts: true })(long), `web │ INFO  m body=${'x'.repeat(114)}…`);
  assert.equal(open()(long), `web │ INFO  m body=${'x'.repeat(500)}`);
});

test('what JSON spells out as a control is as harmless as one that is written', () => {
  const text = JSON.stringify({ level: 'info', msg: '\u001B[2J\u001B[31mred', note: '\u009B2J' });
  assert.equal(open()(text), 'web │ INFO  red note=');
  assert.equal(
    open({ colours: true })(text),
    'web │ \u001B[32mINFO \u001B[39m \u001B[31mred\u001B[0m \u001B[2mnote=\u001B[22m',
  );
});

test('lines below the level are left out, and those that name none are not', () => {
  const format = open({ level: 'warn' });
  const shown = [json, 'plain', '\u001B[33mINFO\u001B[0m x', 'ERROR y', '{"level":"audit","msg":"z"}'].map((line) =>
    format(line),
  );
  assert.deepEqual(shown, [undefined, 'web │ plain', undefined, 'web │ ERROR y', 'web │ audit z']);
});

test("the command line's level goes before the config's", () => {
  const config = { exclude: [], mask: true, history: true, fold: true, fields: undefined, level: 'error' } as const;
  const asked = open({ level: 'debug' });
  asked.lines.configure(config);
  assert.equal(asked.lines.level, 'debug');
  const silent = open();
  silent.lines.configure(config);
  assert.equal(silent.lines.level, 'error');
});

test('raw lines are as they were written, below the level not at all', () => {
  const written = '10%\r20%\u001B[2J\u001B[31m';
  assert.equal(open({ form: 'raw' })(written), written);
  assert.equal(open({ form: 'raw', level: 'warn' })(json), undefined);
});

test('a template is filled in with harmless values', () => {
  const form = compileTemplate('{{time}}\\t{{level}}\\t{{message}}');
  const format = open({ form, clock: new LogClock('short', 'UTC') });
  assert.equal(format('\u001B[2JWARN \u001B[31mred'), '00:00:00.123\twarn\tWARN red');
  assert.equal(format('{"level":"info","msg":"two\\n\\u001b[2Jlines"}'), '00:00:00.123\tinfo\ttwo\nlines');
});

test('as JSON a report has the parts of its line, which stays as it is written', () => {
  const { lines } = open({ level: 'info' });
  const report = (line: string): LogReport => ({
    type: 'log',
    source: 'web',
    namespace: 'storm',
    pod: 'web-1',
    container: 'main',
    stamp: '2026-01-01T00:00:00.000000000Z',
    line,
  });
  assert.deepEqual(lines.describe(report(json)), {
    ...report(json),
    level: 'info',
    message: 'hello',
    fields: { reqId: 'a 1', 'req.url': '/a' },
  });
  assert.deepEqual(lines.describe(report('text')), report('text'));
  assert.equal(lines.describe(report('DEBUG text')), undefined);
});

test('the plain text of a line is what is shown of it, without colours; of one that is shown as it is there is none', () => {
  const long = `{"level":"info","msg":"m","x":"${'y'.repeat(300)}"}`;
  assert.equal(open({ colours: true, cuts: true }).lines.plainTextOf(long), `INFO  m x=${'y'.repeat(300)}`);
  assert.equal(open().lines.plainTextOf('\u001B[32mGET\u001B[39m /'), 'GET /');
  assert.equal(open().lines.plainTextOf('GET /'), undefined);
  assert.equal(open({ verbatim: true }).lines.plainTextOf(long), undefined);
  assert.equal(open({ form: 'raw' }).lines.plainTextOf(long), undefined);
});
