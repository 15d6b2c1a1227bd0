import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectChange } from '../../../src/objects.ts';
import { formatBriefDiff } from '../../../src/terminal/format-brief-diff.ts';
import { createStyle } from '../../../src/terminal/style.ts';
import { wrapWords } from '../../../src/terminal/wrap-words.ts';

const id = (kind: string, name: string) => ({ apiVersion: 'v1', kind, namespace: 'shop', name });
const made = (name: string): ObjectChange => {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: '1' } };
  return { kind: 'new', id: id('ConfigMap', name), object };
};
const changed = (name: string, fields: number, after = 'b'): ObjectChange => ({
  kind: 'changed',
  id: id('Deployment', name),
  fields: Array.from({ length: fields }, (_, at) => ({ path: `f${at}`, before: 'a', after })),
  conflicts: [],
  adopted: false,
  heldBy: [],
});
const pruned: ObjectChange = { kind: 'pruned', id: id('Service', 'old') };

function brief(changes: readonly ObjectChange[], rows: number, columns = 80): readonly string[] {
  const look = { style: createStyle(false), namespace: 'shop', columns, rows, whole: 'stormctl diff' };
  return formatBriefDiff(changes, 1, look);
}

test('no change is one line', () => {
  assert.deepEqual(brief([], 24), ['no changes, 1 object as deployed']);
});

test('what goes comes first, what is new by its name alone, and where the rest is comes last', () => {
  assert.deepEqual(brief([made('a'), changed('web', 2), pruned], 24), [
    '- service/old  not in the manifests any more: it is deleted',
    '~ deployment/web',
    '    ~ f0: a → b',
    '    ~ f1: a → b',
    '+ configmap/a  new',
    '1 new, 1 changed, 1 deleted, 1 unchanged',
    'in full: stormctl diff',
  ]);
  assert.equal(brief([changed('web', 2), pruned], 24).at(-1), '1 changed, 1 deleted, 1 unchanged');
});

test('objects share the room, and what one does not need the next has', () => {
  const lines = brief([changed('small', 1), changed('large', 50)], 14);
  assert.deepEqual(lines.slice(0, 4), [
    '~ deployment/small',
    '    ~ f0: a → b',
    '~ deployment/large',
    '    ~ f0: a → b',
  ]);
  assert.equal(lines.length, 14);
  assert.equal(lines.at(-3), '    … 42 more lines');
});

test('of more objects than there is room for the first are named and the others counted, and none that goes is cut', () => {
  const lines = brief([...Array.from({ length: 60 }, (_, at) => changed(`web${at}`, 3)), pruned], 20);
  assert.equal(lines.length, 20);
  assert.match(lines[0] ?? '', /^- service\/old/);
  assert.deepEqual(lines.slice(-2), [
    '… and 43 more objects; 60 changed, 1 deleted, 1 unchanged',
    'in full: stormctl diff',
  ]);
});

test('it keeps to the rows where lines are broken, too', () => {
  for (const [rows, columns] of [
    [12, 30],
    [18, 44],
    [24, 80],
  ] as const) {
    const long = 'a value of many words that takes more than one row of a narrow terminal';
    const lines = brief([changed('a', 20, long), changed('b', 3, long)], rows, columns);
    const used = lines.flatMap((line) => wrapWords(line, columns)).length;
    assert.ok(used <= rows, `${used} rows of ${rows}`);
    assert.ok(lines.some((line) => line.startsWith('    … ')));
  }
});
