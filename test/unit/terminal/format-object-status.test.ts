import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectStatus } from '../../../src/objects.ts';
import {
  fitObjectStatus,
  formatObjectStatus,
  formatStatusChanges,
} from '../../../src/terminal/format-object-status.ts';
import { createStyle } from '../../../src/terminal/style.ts';

const style = createStyle(false);
const now = Date.parse('2026-01-01T01:00:00Z');
const web: ObjectStatus = {
  id: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' },
  service: 'web',
  ready: true,
  because: undefined,
  images: [{ container: 'web', image: `localhost:5000/shop/web:stormctl-0123@sha256:${'ab'.repeat(32)}`, others: [] }],
  pods: { ready: 2, wanted: 2 },
  restarts: 1,
  ports: ['8080→80'],
  createdAt: '2026-01-01T00:00:00Z',
};
const table = (objects: readonly ObjectStatus[], columns?: number) =>
  formatObjectStatus(objects, { style, columns, now }).join('\n');

test('a wide table has everything in one row', () => {
  assert.equal(
    table([web]),
    `   NAME            PODS  RESTARTS  AGE  IMAGE              PORTS
✓  deployment/web  2/2   1         60m  web:stormctl-0123  8080→80`,
  );
});

test('without room for them image and ports stand below, and why it is not ready in any case', () => {
  const image = { container: 'web', image: 'web:2', others: ['web:1'] };
  const bad = { ...web, ready: false, because: 'pod web-1: no node has enough cpu', images: [image] };
  assert.equal(
    table([bad], 50),
    `   NAME            PODS  RESTARTS  AGE
✗  deployment/web  2/2   1         60m
   web:2 (runs web:1)
   8080→80
   pod web-1: no node has enough cpu`,
  );
});

test('a pipe gets a line for each object that changed, and for one that is gone', () => {
  const bad = { ...web, ready: false, because: 'it crashed', pods: { ready: 1, wanted: 2 } };
  assert.deepEqual(formatStatusChanges([web], [web], style), []);
  assert.deepEqual(formatStatusChanges([web], [bad], style), [
    '✗ deployment/web in shop 1/2, 1 restarts, web:stormctl-0123: it crashed',
  ]);
  assert.deepEqual(formatStatusChanges([web], [], style), ['- deployment/web in shop: gone']);
});

const reason =
  'image localhost:5000/there/is-no-such-image:1.2.3-with-a-long-tag of pod web-1 can’t be pulled: not found';
const unready = (name: string): ObjectStatus => ({
  ...web,
  id: { ...web.id, name },
  ready: false,
  because: reason,
});

test('however narrow it is, no line is wider than the terminal, and nothing of a reason is lost', () => {
  for (const columns of [200, 80, 60, 44, 36]) {
    const lines = formatObjectStatus([web, unready('a-service-with-a-long-name')], { style, columns, now });
    for (const line of lines) assert.ok(line.length <= columns, `${line.length} > ${columns}: ${line}`);
    const plain = (text: string) => text.replaceAll(/\s/g, '');
    assert.ok(plain(lines.join('')).includes(plain(reason)), `${columns} columns have all of it`);
  }
});

test('where there are too few rows what is not ready comes first, and what is left out is counted', () => {
  const objects = [...['a', 'b', 'c', 'd'].map((name) => ({ ...web, id: { ...web.id, name } })), unready('z')];
  const foot = ['✗ the cluster is gone'];
  const lines = fitObjectStatus(objects, { style, columns: 60, now, rows: 7, foot });
  assert.equal(lines.length, 7);
  assert.match(lines[1] ?? '', /^✗ {2}deployment\/z/);
  assert.match(lines[5] ?? '', /^ {3}… \d+ more lines$/);
  assert.equal(lines[6], foot[0]);
  const whole = fitObjectStatus(objects, { style, columns: 60, now, rows: 30, foot });
  assert.match(whole[1] ?? '', /^✓ {2}deployment\/a/);
});

test('what is kept says so, in the table and in a line of a pipe', () => {
  const id = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: 'shop', name: 'data' };
  const claim: ObjectStatus = { ...web, id, images: [], pods: undefined, restarts: 0, ports: [], kept: true };
  assert.match(table([claim]), /✓ {2}persistentvolumeclaim\/data.*\n {3}kept: not in the manifests any more$/);
  assert.deepEqual(formatStatusChanges([{ ...claim, kept: undefined }], [claim], style), [
    '✓ persistentvolumeclaim/data in shop, kept: not in the manifests any more',
  ]);
});
