import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { cellWidth } from '../../../src/terminal/cell-width.ts';
import { formatPrompt } from '../../../src/terminal/format-prompt.ts';
import { formatStatus, type View } from '../../../src/terminal/format-status.ts';
import type { Mode } from '../../../src/terminal/key-commands.ts';
import type { Phase, ServiceStatus, Status } from '../../../src/terminal/status-model.ts';
import { createStyle } from '../../../src/terminal/style.ts';

const plain = createStyle(false);
const all: View = { source: undefined, filter: undefined, level: undefined };
const at = new Date(2026, 0, 1, 9, 5, 7).getTime();
const service = (name: string, phase: Phase, later = 0): ServiceStatus => ({
  name,
  phase,
  trouble: undefined,
  at: at + later,
});
const status = (services: readonly ServiceStatus[], more: Partial<Status> = {}): Status => ({
  stage: 'running',
  services,
  paused: false,
  held: 0,
  lost: [],
  urls: [],
  ...more,
});
const four = [
  service('gateway', 'ready'),
  service('user-service', 'synced', 2000),
  service('web', 'building', 1000),
  service('api', 'failed'),
];
const show = (columns: number, given = status(four), view = all) => formatStatus(given, view, columns, plain);

test('with room every service stands with its state and the time of it; with less the times go first', () => {
  assert.equal(
    show(159),
    'gateway ready 09:05:07  user-service synced 09:05:09  web building 09:05:08  api failed 09:05:07  ? help',
  );
  assert.equal(show(80), 'gateway ready  user-service synced  web building  api failed  ? help');
});

test('with little room the worst and the most recent are left, and a count of the others', () => {
  assert.equal(show(59), 'api failed  web building  user-service synced  +1');
  assert.equal(show(39), 'api failed  web building  +2');
  assert.equal(show(20), 'api failed  +3');
  assert.equal(show(10), '+3 api fa…');
});

test('what keeps a service from its start stands in place of its state, and is as urgent as a failure', () => {
  const crashing = { ...service('db', 'waiting'), trouble: 'crash loop, exit 1, 5 restarts' };
  assert.equal(
    show(80, status([service('web', 'ready'), crashing])),
    'web ready 09:05:07  db crash loop, exit 1, 5 restarts 09:05:07  ? help',
  );
  assert.equal(show(40, status([service('web', 'building'), crashing])), 'db crash loop, exit 1, 5 restarts  +1');
});

test('a pause, an outage, a filter and whose logs are shown come first', () => {
  const given = status([service('web', 'ready')], {
    paused: true,
    held: 3,
    lost: [{ what: 'the cluster', how: 'gone' }],
  });
  assert.equal(
    show(120, given, { source: 'web', filter: 'GET', level: undefined }),
    '✗ the cluster is gone  paused, 3 changed  logs of web  /GET/  web ready 09:05:07  ? help',
  );
});

test('a cluster that is there and has too much to do is not called gone', () => {
  const given = status([], { lost: [{ what: 'the cluster', how: 'busy' }] });
  assert.match(show(80, given), /^! the cluster is busy /);
});

test('no line is wider than the terminal, with wide characters, colours and without services', () => {
  const prompts: readonly Mode[] = [
    { kind: 'filter', text: '日本語'.repeat(20), problem: 'Unterminated group' },
    {
      kind: 'choose',
      choice: {
        question: 'rebuild',
        names: four.map(({ name }) => name),
        all: undefined,
        one: () => ({ type: 'help' }),
      },
      text: 'ü🚀',
    },
  ];
  for (const style of [plain, createStyle(true)])
    for (let columns = 1; columns <= 130; columns++) {
      const lines = [
        formatStatus(status(four), all, columns, style),
        formatStatus(status([service('日本語サービス', 'failed'), ...four]), all, columns, style),
        formatStatus(status([]), { source: 'web', filter: '🚀🚀', level: undefined }, columns, style),
        formatStatus(status(four, { stage: 'ending' }), all, columns, style),
        ...prompts.flatMap((mode) => (mode.kind === 'keys' ? [] : [formatPrompt(mode, columns, style)])),
      ];
      for (const line of lines) assert.ok(cellWidth(stripVTControlCharacters(line)) <= columns, `${columns}: ${line}`);
    }
});

test('without colours a line has no escape sequence', () => {
  assert.doesNotMatch(show(159), /\p{Control}/u);
});

test('of a long answer its end is shown, with what went wrong before it', () => {
  const line = formatPrompt({ kind: 'filter', text: `${'x'.repeat(60)}end`, problem: 'Nothing to repeat' }, 40, plain);
  assert.match(line, /^Nothing to repeat {2}\/x+end▏/);
});
