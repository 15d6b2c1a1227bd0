import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainUnready } from '../../../src/deploy/explain-unready.ts';
import { Warnings } from '../../../src/deploy/warnings.ts';
import { idOf, type KubeObject } from '../../../src/objects.ts';
import { readPod } from '../../../src/pods/pod-state.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { event, workload } from './support.ts';

/** What is told of a workload whose one pod, of an older state, can't pull, and which could not make a pod at a time. */
async function tell(kind: string, status: Record<string, unknown>, failedAt: string): Promise<string> {
  const made = workload(kind, 'web');
  const object = {
    ...made,
    metadata: { name: 'web', namespace: 'storm', generation: 1, uid: 'w' },
    status: { observedGeneration: 1, ...status },
  };
  const pod: KubeObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web-1',
      namespace: 'storm',
      uid: 'p',
      creationTimestamp: '2026-01-01T00:05:00Z',
      ownerReferences: [{ apiVersion: 'apps/v1', kind, name: 'web', uid: 'w', controller: true }],
    },
    spec: { containers: [{ name: 'main', image: 'old' }] },
    status: {
      phase: 'Pending',
      containerStatuses: [
        { name: 'main', restartCount: 0, state: { waiting: { reason: 'ImagePullBackOff', message: 'no such tag' } } },
      ],
    },
  };
  const kube = new FakeKube();
  const said = 'pods "web-0" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1';
  kube.put({ ...event(object, 'FailedCreate', said), lastTimestamp: failedAt });
  const warnings = new Warnings();
  const abort = new AbortController();
  await assert.rejects(
    warnings.follow(kube, 'storm', () => abort.abort(), abort.signal),
    { name: 'AbortError' },
  );
  return explainUnready(idOf(object), { object, pods: [readPod(pod)], warnings }).because;
}

for (const [kind, older, newer] of [
  ['StatefulSet', { replicas: 1, readyReplicas: 0 }, { replicas: 1, updatedReplicas: 1 }],
  ['DaemonSet', { desiredNumberScheduled: 2 }, { desiredNumberScheduled: 2, updatedNumberScheduled: 1 }],
] as const) {
  test(`a pod of an older state of a ${kind} is not blamed where none of the new one can be made`, async () => {
    assert.match(await tell(kind, older, '2026-01-01T00:06:00Z'), /the quota small is exceeded/);
  });

  test(`a pod of a ${kind} that was made since then is blamed, and so is one of the new state`, async () => {
    assert.match(await tell(kind, older, '2026-01-01T00:04:00Z'), /can't be pulled/);
    assert.match(await tell(kind, newer, '2026-01-01T00:06:00Z'), /can't be pulled/);
  });
}

test('a Deployment that is kept from making pods is not as every start is, though nobody says what keeps it', () => {
  const object = {
    ...workload('Deployment', 'web'),
    metadata: { name: 'web', namespace: 'storm', generation: 1, uid: 'w' },
    status: { observedGeneration: 1, conditions: [{ type: 'ReplicaFailure', status: 'True' }] },
  };
  assert.equal(explainUnready(idOf(object), { object, pods: [], warnings: new Warnings() }).usual, false);
});
