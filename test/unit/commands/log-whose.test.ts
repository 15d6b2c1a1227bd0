import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Invocation } from '../../../src/commands/base-command.ts';
import { asksForAnybody, projectHere, readPodWord, type Whose } from '../../../src/commands/log-whose.ts';

const nothing: Whose = { namespace: undefined, file: undefined, environment: undefined, words: [], hasConfig: false };
const asks = (whose: Partial<Whose>) => asksForAnybody({ ...nothing, ...whose });

test('with a config the project is meant, unless labels or all namespaces are asked for', () => {
  assert.equal(asks({ hasConfig: true, words: ['web'], namespace: 'shop' }), false);
  assert.equal(asks({ file: 'x.yaml' }), false);
  assert.equal(asks({ environment: 'staging' }), false);
  assert.equal(asks({ hasConfig: true, selector: '', namespace: 'a,b' }), true);
  assert.equal(asks({ hasConfig: true, 'all-namespaces': true }), true);
});

test('without a config names, a namespace or labels say whose, and nothing says nothing', () => {
  assert.equal(asks({ words: ['web'] }), true);
  assert.equal(asks({ namespace: 'shop' }), true);
  assert.equal(asks({ selector: 'app=web' }), true);
  assert.throws(() => asks({}), { kind: 'usage', message: /^there is no stormctl.yaml/, next: /^say whose pods/ });
});

test('flags that contradict each other are refused', () => {
  const refuses = (whose: Partial<Whose>, where: string) =>
    assert.throws(() => asks(whose), { name: 'Failure', kind: 'usage', where });
  refuses({ 'all-namespaces': true, namespace: 'shop' }, '--all-namespaces');
  refuses({ selector: 'app=web', file: 'x.yaml' }, '--selector');
  refuses({ hasConfig: true, namespace: 'a,b' }, '--namespace');
});

test('a word is a workload, a pod, or a pattern for the names of pods', () => {
  assert.deepEqual(readPodWord('deploy/web'), { kind: 'workload', workload: 'Deployment', name: 'web' });
  assert.deepEqual(readPodWord('StatefulSets/db'), { kind: 'workload', workload: 'StatefulSet', name: 'db' });
  assert.deepEqual(readPodWord('pod/web-0'), { kind: 'pod', name: 'web-0' });
  assert.deepEqual(readPodWord('web-.*'), { kind: 'pattern', pattern: /web-.*/u });
  assert.throws(() => readPodWord('svc/web'), { kind: 'usage', message: 'svc/web names no workload' });
  assert.throws(() => readPodWord('deploy/'), { kind: 'usage' });
});

test('beside the pods of anybody a project is read without the variables that only a render needs', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'stormctl-whose-'));
  try {
    await writeFile(join(cwd, 'Chart.yaml'), '');
    const deploy = [{ helm: { chart: '.', set: { tag: '${NOT_SET}' } } }];
    await writeFile(join(cwd, 'stormctl.yaml'), JSON.stringify({ name: 'storm', deploy }));
    const terminal = { remark: (report: object) => assert.fail(JSON.stringify(report)) };
    const options = { environment: undefined, namespace: undefined, showSecrets: false };
    const project = await projectHere({ options, cwd, env: {}, terminal } as unknown as Invocation);
    assert.equal(project?.name, 'storm');
  } finally {
    await rm(cwd, { recursive: true });
  }
});
