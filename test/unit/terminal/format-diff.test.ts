import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FieldChange } from '../../../src/lib/field-changes.ts';
import type { ObjectChange } from '../../../src/objects.ts';
import { formatDiff, formatKept } from '../../../src/terminal/format-diff.ts';
import { createStyle } from '../../../src/terminal/style.ts';

const id = (kind: string, name: string, namespace = 'shop') => ({ apiVersion: 'v1', kind, namespace, name });
const changed = (...fields: FieldChange[]): ObjectChange => ({
  kind: 'changed',
  id: id('Deployment', 'web'),
  fields,
  conflicts: [],
  adopted: false,
  heldBy: [],
});
const text = (changes: readonly ObjectChange[], unchanged = 0, colours = false) =>
  formatDiff(changes, unchanged, { style: createStyle(colours), namespace: 'shop' }).join('\n');

test('no change is one line', () => {
  assert.equal(text([], 3), 'no changes, 3 objects as deployed');
});

test('a change, an addition and a removal read without colours', () => {
  const fields = [
    { path: 'env[LOG_LEVEL]', before: 'info', after: 'debug' },
    { path: 'replicas', before: 1, after: 2 },
    { path: 'env[NEW]', before: undefined, after: 'true' },
    { path: 'env[OLD]', before: '', after: undefined },
  ];
  assert.equal(
    text([changed(...fields)], 1),
    `~ deployment/web
    ~ env[LOG_LEVEL]: info → debug
    ~ replicas: 1 → 2
    + env[NEW]: "true"
    - env[OLD]: ""
1 changed, 1 unchanged`,
  );
});

test('of a text of many lines those that differ are shown, with two around them', () => {
  const lines = Array.from({ length: 12 }, (_, index) => `line ${index}`);
  const after = lines.with(6, 'new line').join('\n');
  assert.equal(
    text([changed({ path: 'data[app.conf]', before: lines.join('\n'), after })]),
    `~ deployment/web
    ~ data[app.conf]:
          …
          line 4
          line 5
        - line 6
        + new line
          line 7
          line 8
          …
1 changed`,
  );
});

test('a new object is shown as YAML, one that goes and one that is replaced are said so', () => {
  const changes: ObjectChange[] = [
    {
      kind: 'new',
      id: id('ConfigMap', 'c', 'other'),
      object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { a: 'b' } },
    },
    {
      kind: 'replaced',
      id: id('Job', 'migrate'),
      because: 'spec.template can be set only at creation',
      words: 'it runs again',
      fields: [],
    },
    { kind: 'pruned', id: id('Secret', 's') },
  ];
  assert.equal(
    text(changes),
    `+ configmap/c in other  new
    + apiVersion: v1
    + kind: ConfigMap
    + metadata:
    +   name: c
    + data:
    +   a: b
~ job/migrate  deleted and made again, since spec.template can be set only at creation: it runs again
- secret/s  not in the manifests any more: it is deleted
1 new, 1 replaced, 1 deleted`,
  );
});

test('a field that somebody holds is said with what run needs', () => {
  const change: ObjectChange = {
    kind: 'changed',
    id: id('Deployment', 'web'),
    fields: [{ path: 'spec.replicas', before: 5, after: 1 }],
    conflicts: [{ field: '.spec.replicas', manager: 'kubectl', subresource: 'scale' }],
    adopted: false,
    heldBy: [],
  };
  assert.match(text([change]), /! \.spec\.replicas is held by kubectl \(scale\): run needs --force-conflicts/);
});

test('what is taken over is said: an object that is not the project’s yet, and fields of other tools', () => {
  const change = { kind: 'changed', id: id('ConfigMap', 'c'), fields: [], conflicts: [] } as const;
  assert.match(
    text([{ ...change, adopted: true, heldBy: ['kubectl-create'] }]),
    /! not the project's so far, held by kubectl-create: it becomes the project's, and is deleted with it\n1 changed/,
  );
  assert.match(
    text([{ ...change, adopted: false, heldBy: ['helm'] }]),
    /! fields held by helm become stormctl's, and what the manifest has not got of them goes/,
  );
});

test('on a terminal what comes is green, what goes red and what changes yellow', () => {
  const shown = text([changed({ path: 'a', before: 'x', after: 'y' })], 0, true);
  assert.ok(shown.includes('\u001B[33m~\u001B[39m a: \u001B[31mx\u001B[39m → \u001B[32my\u001B[39m'), shown);
});

test('what stays although no manifest has it is named with the reason', () => {
  const id = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name: 'data', namespace: 'shop' };
  assert.deepEqual(
    formatKept([{ id, because: 'it may hold data' }], { style: createStyle(false), namespace: 'shop' }),
    ['= persistentvolumeclaim/data  not in the manifests any more, and kept: it may hold data'],
  );
});
