import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planOnce } from '../../../src/sync/file-step.ts';
import { ScratchTree } from './container-folder.ts';

test('a batch of many files is not held in memory whole, and a file is read once for all containers', () => {
  using tree = new ScratchTree();
  const plan = planOnce(25);
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
