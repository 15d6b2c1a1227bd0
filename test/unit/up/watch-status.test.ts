import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { deleteProject } from '../../../src/deploy/delete-project.ts';
import { nothingAsked } from '../../../src/deploy/protected.ts';
import { Failure } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import type { Kube, WatchRequest } from '../../../src/kube/kube.ts';
import { formatId, type KubeObject, type ObjectStatus } from '../../../src/objects.ts';
import { readStatus } from '../../../src/up/read-status.ts';
import { watchStatus } from '../../../src/up/watch-status.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { applyTo, claim, configMap, event, namespaceOf, projectOf, ref, workload } from '../deploy/support.ts';

const web = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'storm', name: 'web' };
const healthy = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };
const service: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { selector: { app: 'web' }, ports: [{ port: 80, nodePort: 30_123 }] },
};

type Seen = readonly ObjectStatus[] | undefined;

/** Resolves with the first state that is as asked for, after which the watch has ended. */
async function seen(
  kube: FakeKube,
  isWanted: (state: Seen) => boolean,
  onState?: (state: Seen) => void,
): Promise<Seen> {
  const end = new AbortController();
  let found: Seen;
  const onStatus = (state: Seen) => {
    onState?.(state);
    if (end.signal.aborted || !isWanted(state)) return;
    found = state;
    end.abort();
  };
  await watchStatus({ kube, project: projectOf(), onStatus, signal: end.signal }).catch(() => {});
  assert.equal(kube.watching, 0);
  return found;
}

test('where nothing is deployed that is said, and what comes later is shown', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  const states: Seen[] = [];
  let applying: Promise<unknown> | undefined;
  const found = await seen(
    kube,
    (state) => state?.length === 1,
    (state) => {
      states.push(state);
      applying ??= applyTo(kube, [workload('Deployment', 'web')]);
    },
  );
  await applying;
  assert.equal(states[0], undefined);
  assert.deepEqual(
    found?.map(({ id }) => id),
    [web],
  );
});

test('what a delete kept is not deployed, until it is applied again', async () => {
  const kube = new FakeKube();
  const { signal } = new AbortController();
  const deployed = [workload('Deployment', 'web'), claim('data', 'web')];
  await applyTo(kube, deployed);
  await deleteProject({ kube, ...ref, ...nothingAsked, signal, report: () => {} });
  assert.equal(kube.all('PersistentVolumeClaim').length, 1);
  const status = async () => (await readStatus({ kube, project: projectOf(), report: () => {}, signal })).objects;
  assert.equal(await status(), undefined);
  await applyTo(kube, deployed);
  assert.deepEqual((await status())?.map(({ id }) => id.kind).toSorted(), ['Deployment', 'PersistentVolumeClaim']);
});

async function statusOf(kube: FakeKube): Promise<readonly string[]> {
  const { signal } = new AbortController();
  const { objects } = await readStatus({ kube, project: projectOf(), report: () => {}, signal });
  return (objects ?? []).map(
    ({ id, ready, kept, because }) => `${ready ? '✓' : '✗'} ${formatId(id)}${kept ? ' kept' : ''} ${because ?? ''}`,
  );
}

const unbound = { ...claim('data', 'web'), status: { phase: 'Pending' } };

test('a claim that is kept counts as ready though nothing binds it, until the manifests have it again', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('a'), unbound]);
  const [waiting] = await statusOf(kube);
  assert.match(waiting ?? '', /^✗ persistentvolumeclaim\/data /);
  await applyTo(kube, [configMap('a')]);
  assert.deepEqual(await statusOf(kube), ['✓ persistentvolumeclaim/data kept ']);
  await applyTo(kube, [configMap('b')]);
  assert.deepEqual(await statusOf(kube), ['✓ persistentvolumeclaim/data kept ']);
  await applyTo(kube, [configMap('b'), unbound]);
  assert.deepEqual(await statusOf(kube), [waiting]);
});

test('a claim that is kept stays so while workloads wait for their images', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('a'), unbound]);
  await applyTo(kube, [configMap('a')]);
  await applyTo(kube, [configMap('b')], { prune: 'unneeded' });
  assert.deepEqual(await statusOf(kube), ['✓ persistentvolumeclaim/data kept ']);
});

test('what an apply was refused is not ready, until it is written or leaves the manifests', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  const all = [configMap('a'), configMap('b'), workload('Deployment', 'web')];
  const refuse = (name: string) =>
    kube.failNext(
      ({ method, path }) => method === 'PATCH' && path.endsWith(`/${name}`),
      refusal('PATCH', '/', 403, 'Forbidden', 'User "ann" cannot patch it'),
    );
  for (const name of ['a', 'b', 'web']) refuse(name);
  await applyTo(kube, all);
  const words = 'what the manifests have now could not be written: `stormctl run` says why';
  assert.deepEqual(await statusOf(kube), [
    `✗ configmap/a ${words}`,
    `✗ configmap/b ${words}`,
    `✗ deployment/web ${words}`,
  ]);
  await applyTo(kube, [configMap('a')], { all });
  assert.deepEqual(await statusOf(kube), [`✗ configmap/b ${words}`, `✗ deployment/web ${words}`]);
  await applyTo(kube, [workload('Deployment', 'web')]);
  kube.setStatus(web, healthy);
  assert.deepEqual(await statusOf(kube), ['✓ deployment/web ']);
  refuse('web');
  await applyTo(kube, [workload('Deployment', 'web', 'web:2')]);
  assert.deepEqual(await statusOf(kube), [`✗ deployment/web ${words}`]);
});

test('a workload is shown with its image, pods, node ports and why it is not ready, from the inventory alone', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [workload('Deployment', 'web', 'web:2'), service, configMap('c')]);
  kube.setStatus(web, { ...healthy, readyReplicas: 0, availableReplicas: 0 });
  const [status, ...others] = (await seen(kube, (state) => state !== undefined)) ?? [];
  assert.deepEqual(others, []);
  assert.deepEqual([status?.ready, status?.because], [false, '0 of 1 pods are available']);
  assert.deepEqual(status?.pods, { ready: 0, wanted: 1 });
  assert.deepEqual(status?.images, [{ container: 'main', image: 'web:2', others: [] }]);
  assert.deepEqual(status?.ports, ['node 30123→80']);
});

test('who reads it once is told what only events say', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [workload('StatefulSet', 'web', 'web:2')]);
  kube.put(event(kube.find('StatefulSet', 'web'), 'FailedCreate', 'the moon is full'));
  const watch = kube.watch.bind(kube);
  // Events are the last to be listed.
  kube.watch = async function* (request, signal) {
    if (request.path.endsWith('/events')) await new Promise((resolve) => setTimeout(resolve, 20));
    yield* watch(request, signal);
  };
  const { signal } = new AbortController();
  const { objects } = await readStatus({ kube, project: projectOf(), report: () => {}, signal });
  assert.match(objects?.[0]?.because ?? '', /the moon is full/);
});

test('where events may not be read the status is told without them', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [workload('Deployment', 'web')]);
  const watch = kube.watch.bind(kube);
  kube.watch = (request, signal) => {
    if (request.path.endsWith('/events')) throw refusal('GET', request.path, 403, 'Forbidden', 'no');
    return watch(request, signal);
  };
  const { signal } = new AbortController();
  const { objects } = await readStatus({ kube, project: projectOf(), report: () => {}, signal });
  assert.equal(objects?.length, 1);
});

test('it is told again when an object becomes ready', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [workload('Deployment', 'web')]);
  const found = await seen(
    kube,
    (state) => state?.[0]?.ready === true,
    (state) => {
      if (state && !state[0]?.ready) kube.setStatus(web, healthy);
    },
  );
  assert.equal(found?.[0]?.because, undefined);
});

test('a cluster that is lost is told with each stream, and is back when all of them are', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [workload('Deployment', 'web')]);
  const told: string[] = [];
  const end = new AbortController();
  let isCut = false;
  await watchStatus({
    kube,
    project: projectOf(),
    onStatus: () => {
      if (isCut) return;
      isCut = true;
      kube.cutWatches();
    },
    onLost: (cause) => told.push((cause as Error).message),
    onBack: () => {
      told.push('back');
      end.abort();
    },
    signal: end.signal,
  }).catch(() => {});
  assert.equal(told.at(-1), 'back');
  assert.equal(told.indexOf('back'), told.length - 1);
  assert.ok(told.length > 2 && told.slice(0, -1).every((words) => words === 'socket hang up'));
});

test('one look waits for a cluster that goes away meanwhile, but not for ever, and says what is wrong then', async () => {
  const reports: Report[] = [];
  const report = (each: Report) => reports.push(each);
  const { signal } = new AbortController();
  const gone = new Failure('unreachable', 'the cluster closed the connection');
  for (const isBack of [true, false]) {
    const kube = new FakeKube();
    await applyTo(kube, [workload('Deployment', 'web')]);
    const silent: Kube = new Proxy(kube, {
      get(target, key) {
        if (key !== 'watch') {
          const value: unknown = Reflect.get(target, key);
          return typeof value === 'function' ? value.bind(target) : value;
        }
        return async function* (request: WatchRequest, abort: AbortSignal) {
          yield { type: 'lost', cause: gone };
          if (isBack) yield* target.watch(request, abort);
          else await once(abort, 'abort');
        };
      },
    });
    const read = readStatus({ kube: silent, project: projectOf(), report, signal, awayMs: isBack ? 60_000 : 20 });
    if (isBack) assert.equal((await read).objects?.length, 1);
    else await assert.rejects(read, gone);
  }
  assert.deepEqual(
    reports.map(({ type }) => type),
    ['session.lost', 'session.resumed', 'session.lost'],
  );
});

test('kinds that the account may not see are told, and what may be seen is shown', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [workload('Deployment', 'web'), workload('Job', 'once')]);
  kube.forbid(({ method, path }) => method === 'GET' && path.endsWith('/deployments'));
  const { signal } = new AbortController();
  const { objects, unseen } = await readStatus({ kube, project: projectOf(), report: () => {}, signal });
  assert.deepEqual(
    objects?.map(({ id }) => id.name),
    ['once'],
  );
  assert.deepEqual(
    unseen.map(({ resource: { kind }, namespace }) => `${kind} in ${namespace}`),
    ['Deployment in storm'],
  );
});

for (const [status, left] of [
  [403, 1],
  [404, 0],
] as const)
  test(`a stream that is lost and ends with ${status} is no longer lost, and shows no old objects`, async () => {
    const kube = new FakeKube();
    await applyTo(kube, [workload('Deployment', 'web'), workload('Job', 'once')]);
    const ending: Kube = new Proxy(kube, {
      get(target, key) {
        if (key !== 'watch') {
          const value: unknown = Reflect.get(target, key);
          return typeof value === 'function' ? value.bind(target) : value;
        }
        return async function* (request: WatchRequest, abort: AbortSignal) {
          if (!request.path.endsWith('/deployments')) return yield* target.watch(request, abort);
          yield { type: 'list', objects: target.all('Deployment') };
          while (!told.some((state) => state.includes('web'))) await new Promise(setImmediate);
          yield { type: 'lost', cause: new Error('socket hang up') };
          throw refusal('GET', request.path, status, 'Gone', 'it is no more to be seen');
        };
      },
    });
    const told: string[][] = [];
    const outages: string[] = [];
    const end = new AbortController();
    let unseenNow = 0;
    await watchStatus({
      kube: ending,
      project: projectOf(),
      onStatus: (state, unseen) => {
        const names = state?.map(({ id }) => id.name) ?? [];
        told.push(names);
        unseenNow = unseen.length;
        if (outages.length > 0 && !names.includes('web')) end.abort();
      },
      onLost: () => outages.push('lost'),
      onBack: () => outages.push('back'),
      signal: end.signal,
    }).catch(() => {});
    assert.deepEqual(told.at(-1), ['once']);
    assert.deepEqual(outages, ['lost', 'back']);
    assert.equal(unseenNow, left);
  });

test('what goes wrong while a state is told ends the watch', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [workload('Deployment', 'web')]);
  const wrong = new Error('it can’t be drawn');
  const onStatus = () => {
    throw wrong;
  };
  const { signal } = new AbortController();
  await assert.rejects(watchStatus({ kube, project: projectOf(), onStatus, signal }), wrong);
  assert.equal(kube.watching, 0);
});

test('an object that is on its way out is not ready, of whatever kind it is, with what holds it', async () => {
  const kube = new FakeKube();
  const going = { ...configMap('c'), metadata: { name: 'c', finalizers: ['example.com/hold'] } };
  await applyTo(kube, [going, configMap('stays'), workload('Deployment', 'web')]);
  kube.setStatus(web, healthy);
  const live = kube.find('ConfigMap', 'c');
  assert.ok(live);
  let deleting: Promise<unknown> | undefined;
  const found = await seen(
    kube,
    (state) => state?.length === 2,
    () => {
      deleting ??= kube.request({ method: 'DELETE', path: kube.pathOf(live) });
    },
  );
  await deleting;
  assert.deepEqual(
    found?.map(({ id, ready, because }) => [id.name, ready, because]),
    [
      ['c', false, 'it is being deleted, and its finalizers have not run: example.com/hold'],
      ['web', true, undefined],
    ],
  );
});

test('what a delete kept is deployed when it alone is applied again', async () => {
  const kube = new FakeKube();
  const { signal } = new AbortController();
  await applyTo(kube, [claim('data', 'web')]);
  await deleteProject({ kube, ...ref, ...nothingAsked, volumes: true, signal, report: () => {} });
  await applyTo(kube, [namespaceOf('storm'), claim('data', 'web')]);
  await deleteProject({ kube, ...ref, ...nothingAsked, signal, report: () => {} });
  const status = async () => (await readStatus({ kube, project: projectOf(), report: () => {}, signal })).objects;
  assert.equal(await status(), undefined);
  await applyTo(kube, [namespaceOf('storm'), claim('data', 'web')]);
  assert.equal((await status())?.length, 1);
});

test('a project of which something could not be deleted is not deleted', async () => {
  const kube = new FakeKube();
  const { signal } = new AbortController();
  await applyTo(kube, [workload('Deployment', 'web')]);
  const denial = refusal('DELETE', '/x', 403, 'Forbidden', 'no');
  kube.failNext(({ method, path }) => method === 'DELETE' && path.endsWith('/web'), denial);
  await deleteProject({ kube, ...ref, ...nothingAsked, signal, report: () => {} });
  const { objects } = await readStatus({ kube, project: projectOf(), report: () => {}, signal });
  assert.deepEqual(
    objects?.map(({ id }) => id),
    [web],
  );
});

test('a kind that may be seen again is looked for again when the inventory changes', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [workload('Deployment', 'web')]);
  let isForbidden = true;
  kube.forbid(({ method, path }) => isForbidden && method === 'GET' && path.endsWith('/deployments'));
  const end = new AbortController();
  const told: string[] = [];
  let applying: Promise<unknown> | undefined;
  await watchStatus({
    kube,
    project: projectOf(),
    onStatus: (objects, unseen) => {
      told.push(`${objects?.map(({ id }) => id.name).join()} and ${unseen.length}`);
      isForbidden = false;
      applying ??= applyTo(kube, [workload('Deployment', 'web'), workload('Job', 'once')]);
      if (objects?.length === 2) end.abort();
    },
    signal: end.signal,
  }).catch(() => {});
  await applying;
  assert.equal(told[0], ' and 1');
  assert.equal(told.at(-1), 'web,once and 0');
});

test('of kinds that can’t be unready only the metadata is asked for, and it is no matter whether they may be seen', async (t) => {
  const kube = new FakeKube();
  const secret: KubeObject = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } };
  await applyTo(kube, [workload('Deployment', 'web'), service, secret]);
  kube.forbid(({ method, path }) => method === 'GET' && path.endsWith('/secrets'));
  const watch = t.mock.method(kube, 'watch');
  const { signal } = new AbortController();
  const { objects, unseen } = await readStatus({ kube, project: projectOf(), report: () => {}, signal });
  assert.deepEqual(
    objects?.map(({ id }) => id),
    [web],
  );
  assert.deepEqual(unseen, []);
  const lean = watch.mock.calls.flatMap(({ arguments: [{ path, labelSelector, metadataOnly }] }) =>
    labelSelector?.startsWith('applyset.kubernetes.io/part-of') ? [`${path.split('/').at(-1)} ${metadataOnly}`] : [],
  );
  assert.deepEqual(lean.toSorted(), ['deployments false', 'secrets true', 'services false']);
});

test('where nothing is deployed any more nothing of it is hidden', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [workload('Deployment', 'web')]);
  kube.forbid(({ method, path }) => method === 'GET' && path.endsWith('/deployments'));
  const end = new AbortController();
  const told: (readonly [Seen, number])[] = [];
  await watchStatus({
    kube,
    project: projectOf(),
    onStatus: (objects, unseen) => {
      told.push([objects, unseen.length]);
      if (objects) kube.remove(kube.find('ConfigMap', 'stormctl-storm') ?? assert.fail());
      else end.abort();
    },
    signal: end.signal,
  }).catch(() => {});
  assert.deepEqual(told, [
    [[], 1],
    [undefined, 0],
  ]);
});

test('a claim that waits for its first consumer is ready, unless it is being deleted', async () => {
  const kube = new FakeKube();
  const lazy = { volumeBindingMode: 'WaitForFirstConsumer' };
  kube.put({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'lazy' }, ...lazy });
  const spec = { storageClassName: 'lazy' };
  const pending = { ...claim('data', 'web'), metadata: { name: 'data', finalizers: ['example.com/hold'] }, spec };
  await applyTo(kube, [{ ...pending, status: { phase: 'Pending' } }]);
  const live = kube.find('PersistentVolumeClaim', 'data');
  assert.ok(live);
  let deleting: Promise<unknown> | undefined;
  const ready: (boolean | undefined)[] = [];
  await seen(
    kube,
    (state) => state?.[0]?.ready === false,
    (state) => {
      ready.push(state?.[0]?.ready);
      deleting ??= kube.request({ method: 'DELETE', path: kube.pathOf(live) });
    },
  );
  await deleting;
  assert.deepEqual(ready, [true, false]);
});
