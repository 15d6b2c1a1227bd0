import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Report } from '../../../src/events.ts';
import { drawProgress } from '../../../src/terminal/progress.ts';
import type { TaskList } from '../../../src/terminal/task-list.ts';

const started: Report = { type: 'session.started', project: 'p', context: 'c', namespace: 'n' };
const note: Report = { type: 'note', text: 'said' };
const building: Report = { type: 'build.started', service: 'web', because: 'first' };

function open() {
  const seen: string[] = [];
  const list: TaskList = {
    update: (task, text) => seen.push(`${task}: ${text}`),
    done: (task) => seen.push(`${task} done`),
    end: async () => void seen.push('list ends'),
  };
  const progress = drawProgress({
    deploys: true,
    open: () => {
      seen.push('list begins');
      return list;
    },
    print: ({ type }) => seen.push(type),
  });
  return { seen, progress };
}

test('the header comes first, then the steps, and what is said meanwhile below them', async () => {
  const { seen, progress } = open();
  for (const report of [note, started, building, note]) progress.report(report);
  await progress.end(true);
  assert.deepEqual(seen, [
    'note',
    'session.started',
    'list begins',
    'web: first',
    'deploy: said',
    'deploy done',
    'list ends',
    'note',
  ]);
});

test('an apply that deleted something is told below the list, where it stays', async () => {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'n', name: 'old' };
  const applied = { type: 'deploy.applied', created: [], changed: [], replaced: [], unchanged: 1, ms: 1 } as const;
  for (const [pruned, told] of [
    [[object], ['deploy.applied']],
    [[], []],
  ] as const) {
    const { seen, progress } = open();
    progress.report({ ...applied, pruned });
    await progress.end(true);
    assert.deepEqual(seen.slice(seen.indexOf('list ends') + 1), told);
  }
});

test('where nothing was begun there is no list', async () => {
  const { seen, progress } = open();
  progress.report(started);
  await progress.end(false);
  assert.deepEqual(seen, ['session.started']);
});
