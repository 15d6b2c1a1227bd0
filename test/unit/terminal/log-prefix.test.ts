import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogReport } from '../../../src/events.ts';
import { LogPrefixes } from '../../../src/terminal/log-prefix.ts';
import { SourceColours } from '../../../src/terminal/source-colours.ts';
import { createStyle } from '../../../src/terminal/style.ts';

function open({ columns, colours = false }: { columns?: number; colours?: boolean } = {}) {
  const size = { columns };
  const prefixes = new LogPrefixes({
    style: createStyle(colours),
    colours: new SourceColours(),
    columns: () => size.columns,
  });
  const of = (source: string, pod: string, more: Partial<LogReport> = {}) =>
    prefixes.of({
      type: 'log',
      source,
      namespace: 'storm',
      pod,
      container: 'main',
      stamp: '2026-01-01T00:00:00.000000001Z',
      line: '',
      ...more,
    });
  return { of, size, prefixes };
}

test('prefixes are aligned, and name pod and container only where a source has several', () => {
  const { of } = open();
  assert.equal(of('gateway', 'gateway-7d9f8-x7k2p'), 'gateway │');
  assert.equal(of('db', 'db-0'), 'db      │');
  assert.equal(of('db', 'db-1'), 'db 1    │');
  assert.equal(of('db', 'db-0'), 'db 0    │');
  assert.equal(of('db', 'db-1', { container: 'backup' }), 'db 1/backup │');
  assert.equal(of('gateway', 'gateway-7d9f8-x7k2p'), 'gateway     │');
  assert.equal(of('gateway', 'gateway-7d9f8-abcde'), 'gateway abcde   │');
});

test('the column has room for the names that are expected, and grows by some cells at once', () => {
  const { of, prefixes } = open();
  prefixes.expect(['web', 'user-service']);
  assert.equal(of('web', 'web-1'), 'web          │');
  assert.equal(of('notifications', 'notifications-1'), 'notifications    │');
  assert.equal(of('web', 'web-1'), 'web              │');
  assert.equal(of('a-longer-service', 'a-longer-service-1'), 'a-longer-service │');
});

test('the name of an init container is short on a terminal, and always the same', () => {
  const { of } = open({ columns: 200 });
  const container = 'wait-for-the-database-to-answer';
  const label = of('web', 'web-1', { container, init: true });
  assert.equal(label, 'web/init:wait-f…nswer │');
  of('web', 'web-1', { container: 'other', init: true });
  assert.equal(of('web', 'web-1', { container, init: true }), label);
});

test('an init container is marked as one', () => {
  const { of } = open();
  assert.equal(of('web', 'web-1', { container: 'migrate', init: true }), 'web/init:migrate │');
  assert.equal(of('web', 'web-1'), 'web              │');
});

test('pods with the same last part are told apart by more of their names', () => {
  const { of } = open();
  of('user', 'user-api-0');
  of('user', 'user-worker-0');
  assert.equal(of('user', 'user-api-0'), 'user api-0    │');
  assert.equal(of('user', 'user-worker-0'), 'user worker-0 │');
  of('tool', 'shell');
  assert.equal(of('tool', 'debug-shell'), 'tool debug-shell  │');
  assert.equal(of('tool', 'shell'), 'tool shell        │');
});

test('a namespace is named where a source is in several', () => {
  const { of } = open();
  of('db', 'db-0');
  assert.equal(of('db', 'db-0', { namespace: 'test' }), 'test:db │');
  assert.equal(of('db', 'db-0'), 'storm:db    │');
});

for (const columns of [60, 100, 200])
  test(`at ${columns} columns no name is wider than the column, and both of its ends are left`, () => {
    const { of } = open({ columns });
    const long = 'storm-notification-service-with-a-very-long-name';
    const names = [
      of('web', 'web-1'),
      of(long, `${long}-x7k2p`),
      of(long, `${long}-abcde`, { container: 'and-a-container-with-a-long-name-too' }),
      of(long, 'a-pod-whose-name-ends-the-same-way-x7k2p'),
      of('web', 'web-1'),
    ];
    const widest = Math.min(40, Math.floor(columns / 3));
    assert.deepEqual(
      names.slice(1).map((name) => name.length),
      names.slice(1).map(() => widest + 2),
      names.join('\n'),
    );
    assert.match(names[1] ?? '', /^storm\S*…\S*name +│$/);
  });

test('a resize shortens the names for the new width', () => {
  const { of, size } = open({ columns: 100 });
  const long = 'a-service-with-a-rather-long-name';
  assert.equal(of(long, `${long}-1`).length, 35);
  size.columns = 60;
  assert.equal(of(long, `${long}-1`), 'a-service-…long-name │');
});

test('in a pipe names are whole', () => {
  const { of } = open();
  const long = 'storm-notification-service-with-a-very-long-name';
  assert.equal(of(long, `${long}-1`), `${long} │`);
});

test("the pod has a shade of its source's colour, and no name another's", () => {
  const { of } = open({ colours: true });
  of('web', 'web-1');
  const [, colour] = of('web', 'web-2').split(/\D+/);
  assert.equal(
    of('web', 'web-2'),
    `\u001B[${colour}mweb\u001B[2m 2\u001B[22m\u001B[39m   \u001B[${colour}m│\u001B[39m`,
  );
});

test('a thousand pods that come and go leave nothing behind', () => {
  const { of } = open();
  for (let pod = 0; pod < 1001; pod++) of('job', `job-${pod}`);
  assert.equal(of('job', 'job-1000'), 'job     │', 'it is alone again');
});

test('a source has the colour of its name, and another one only where that is taken', () => {
  const names = ['gateway', 'user', 'postgres', 'nats', 'redis', 'minio', 'web', 'mail', 'auth', 'billing'];
  const colours = new SourceColours();
  assert.equal(new Set(names.map((name) => colours.of(name))).size, 10, 'ten sources, ten colours');
  const again = new SourceColours();
  const expected = new SourceColours();
  again.expect(names);
  expected.expect(names.toReversed());
  for (const name of names) assert.equal(again.of(name), expected.of(name));
  assert.equal(new SourceColours().of('gateway'), new SourceColours().of('gateway'));
  assert.equal(typeof colours.of('one more'), 'string');
});

test('where pods are expected their names are told from the first line on, and those that never print are forgotten', () => {
  const { of, prefixes } = open();
  for (const pod of ['web-7d9f8-x7k2p', 'web-7d9f8-abcde'])
    prefixes.expectPod({ source: 'web', namespace: 'storm', pod });
  prefixes.expectPod({ source: 'db', namespace: 'storm', pod: 'db-0' });
  assert.equal(of('web', 'web-7d9f8-x7k2p'), 'web x7k2p │');
  assert.equal(of('db', 'db-0'), 'db        │');
  for (let i = 0; i < 1000; i++) prefixes.expectPod({ source: `gone-${i}`, namespace: 'storm', pod: `gone-${i}` });
  assert.equal(of('web', 'web-7d9f8-x7k2p'), 'web       │');
});
