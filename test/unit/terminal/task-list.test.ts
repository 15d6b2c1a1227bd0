import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openTaskList } from '../../../src/terminal/task-list.ts';
import { until } from '../../support/until.ts';

test('what is told of a task before it is drawn is shown', async (t) => {
  const { stdout } = process;
  const { isTTY, columns } = stdout;
  const write = t.mock.method(stdout, 'write');
  let drawn = '';
  write.mock.mockImplementation((chunk: string | Uint8Array) => {
    drawn += chunk.toString();
    return true;
  });
  t.after(() => Object.assign(stdout, { isTTY, columns }));
  Object.assign(stdout, { isTTY: true, columns: 100 });
  const list = openTaskList(['deploy']);
  list.update('deploy', 'configmap/cm: it is being deleted');
  await until(() => drawn.includes('deploy'));
  await list.end();
  assert.match(drawn, /configmap\/cm: it is being deleted/);
});
