import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readNoted, writeNoted } from '../../../src/deploy/noted-objects.ts';

const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: 'n', name: 'data' };
const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', namespace: undefined, name: 'r' };

test('what is noted of objects is the same text in any order, and read as it was written', () => {
  const text = writeNoted([claim, role, claim]);
  assert.equal(text, writeNoted([role, claim]));
  assert.deepEqual(
    readNoted(text).map(({ name }) => name),
    ['data', 'r'],
  );
  assert.equal(writeNoted([]), undefined);
});

test('a note that is broken names nothing', () => {
  for (const text of [undefined, '', '{', '{}', '[1, null, {"kind": "Pod"}]']) assert.deepEqual(readNoted(text), []);
});

test('of very many objects as many are noted as an annotation has room for', () => {
  const many = Array.from({ length: 3000 }, (_, index) => ({ ...claim, name: `${index}`.padStart(253, 'x') }));
  const text = writeNoted(many) ?? '';
  assert.ok(text.length < 200_000, `${text.length}`);
  assert.ok(readNoted(text).length >= 500);
});
