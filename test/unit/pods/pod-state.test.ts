import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubeObject } from '../../../src/objects.ts';
import { findPort, readPod } from '../../../src/pods/pod-state.ts';

function pod(metadata: Record<string, unknown>, rest: Record<string, unknown> = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-5d4-x', namespace: 'storm', ...metadata }, ...rest };
}

function owner(kind: string, name: string) {
  return { ownerReferences: [{ apiVersion: 'apps/v1', kind, name, uid: 'o', controller: true }] };
}

describe('readPod', () => {
  it('names the Deployment behind a ReplicaSet by the hash of the template', () => {
    const state = readPod(pod({ ...owner('ReplicaSet', 'web-5d4'), labels: { 'pod-template-hash': '5d4' } }));
    assert.deepEqual(state.workload, { kind: 'Deployment', name: 'web' });
  });

  it('keeps a ReplicaSet that no Deployment made, and other owners as they are', () => {
    assert.deepEqual(readPod(pod(owner('ReplicaSet', 'web-5d4'))).workload, { kind: 'ReplicaSet', name: 'web-5d4' });
    assert.deepEqual(readPod(pod(owner('StatefulSet', 'db'))).workload, { kind: 'StatefulSet', name: 'db' });
    assert.deepEqual(readPod(pod({})).workload, { kind: 'Pod', name: 'web-5d4-x' });
  });

  it('tells of a container between two runs: the last run, and why the next one waits', () => {
    const state = readPod(
      pod(
        {},
        {
          spec: { containers: [{ name: 'c', image: 'web:1', ports: [{ name: 'http', containerPort: 8080 }] }] },
          status: {
            phase: 'Running',
            containerStatuses: [
              {
                name: 'c',
                containerID: 'containerd://a',
                imageID: 'web@sha256:1',
                restartCount: 2,
                ready: false,
                state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 20s' } },
                lastState: {
                  terminated: {
                    containerID: 'containerd://a',
                    exitCode: 3,
                    reason: 'OOMKilled',
                    message: 'too much',
                    startedAt: '2026-01-01T00:00:00Z',
                    finishedAt: '2026-01-01T00:01:00Z',
                  },
                },
              },
            ],
          },
        },
      ),
    );
    assert.deepEqual(state.containers, [
      {
        name: 'c',
        init: false,
        image: 'web:1',
        imageId: 'web@sha256:1',
        containerId: 'containerd://a',
        state: 'waiting',
        reason: 'CrashLoopBackOff',
        message: 'back-off 20s',
        exitCode: 3,
        endReason: 'OOMKilled',
        endMessage: 'too much',
        endedRun: { from: '2026-01-01T00:00:00Z', to: '2026-01-01T00:01:00Z' },
        restarts: 2,
        ready: false,
        startedAt: '2026-01-01T00:00:00Z',
        ports: [{ name: 'http', port: 8080 }],
        probed: false,
      },
    ]);
    assert.equal(findPort(state, 'http'), 8080);
    assert.equal(findPort(state, 'admin'), undefined);
  });

  it('names its claims, those that are made for it alone too', () => {
    const volumes = [
      { name: 'a', persistentVolumeClaim: { claimName: 'data' } },
      { name: 'scratch', ephemeral: {} },
      { name: 'none', emptyDir: {} },
    ];
    assert.deepEqual(readPod(pod({}, { spec: { volumes } })).claims, ['data', 'web-5d4-x-scratch']);
  });

  it('lists init containers first, and those without a status as waiting', () => {
    const state = readPod(pod({}, { spec: { initContainers: [{ name: 'i' }], containers: [{ name: 'c' }] } }));
    assert.deepEqual(
      state.containers.map(({ name, init, state, containerId }) => ({ name, init, state, containerId })),
      [
        { name: 'i', init: true, state: 'waiting', containerId: undefined },
        { name: 'c', init: false, state: 'waiting', containerId: undefined },
      ],
    );
  });

  it("gives the scheduler's words for a pod without a node", () => {
    const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'no node fits' }];
    const state = readPod(pod({}, { status: { phase: 'Pending', conditions } }));
    assert.equal(state.reason, 'Unschedulable');
    assert.equal(state.message, 'no node fits');
    assert.equal(state.ready, false);
  });
});
