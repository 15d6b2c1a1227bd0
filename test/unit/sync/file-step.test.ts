import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { planOnce } from '../../../src/sync/file-step.ts';
import { ScratchTree } from './container-folder.ts';

test('a batch of many files is not held in memory whole, and a file is read once for all containers', () => {
  using tree = new ScratchTree();
  const plan = planOnce(undefined, 25);
  const wishes = ['a', 'b', 'c'].map((name) => ({
    from: tree.write(name, name.repeat(10)),
    to: `/app/${name}`,
    root: '/app',
    removed: false,
    modeChanged: false,
  }));
  const steps = wishes.map(plan);
  assert.deepEqual(
    steps.map(({ kind }) => kind),
    ['write', 'write', 'stream'],
  );
  for (const [index, wish] of wishes.entries()) assert.equal(plan(wish), steps[index]);
});

test('which bytes of which file were read is told once for all containers, also that there were none', () => {
  using tree = new ScratchTree();
  const read: (readonly [string, string | undefined])[] = [];
  const plan = planOnce((from, sha256) => read.push([from, sha256]), 25);
  const wish = (from: string) => ({ from, to: '/app/it', root: '/app', removed: false, modeChanged: false });
  const wishes = [
    wish(tree.write('held', 'held')),
    wish(tree.write('large', 'large'.repeat(9))),
    wish(tree.at('gone')),
  ];
  const steps = [...wishes, ...wishes].map(plan);
  for (const step of steps.slice(0, 3)) if (step.kind === 'stream') step.onRead?.('of what was sent');
  assert.deepEqual(read, [
    [tree.at('held'), createHash('sha256').update('held').digest('hex')],
    [tree.at('gone'), undefined],
    [tree.at('large'), 'of what was sent'],
  ]);
});
