import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSet } from '../../../src/up/read-set.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { applyTo, configMap, projectOf, workload } from '../deploy/support.ts';

const { signal } = new AbortController();

test('a name that neither the config nor the cluster has is refused, unless what is hidden may bear it', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [workload('Deployment', 'web'), workload('Job', 'once'), configMap('c')]);
  await readSet(kube, projectOf(), ['web'], signal);
  await assert.rejects(readSet(kube, projectOf(), ['wbe'], signal), { exitCode: 2 });
  await assert.rejects(readSet(kube, projectOf(), ['c'], signal), { exitCode: 2 });
  kube.forbid(({ method, path }) => method === 'GET' && path.endsWith('/configmaps'));
  await assert.rejects(readSet(kube, projectOf(), ['wbe'], signal), { exitCode: 2 });
  kube.forbid(({ method, path }) => method === 'GET' && path.endsWith('/jobs'));
  assert.ok(await readSet(kube, projectOf(), ['wbe'], signal));
});
