import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { endWithPod } from '../../../src/forward/end-with-pod.ts';
import { Whereabouts } from '../../../src/forward/whereabouts.ts';
import { Scope } from '../../../src/lib/scope.ts';
import { openPodView } from '../../../src/pods/pod-view.ts';
import { FakeKube } from '../../support/fake-kube.ts';

function podOf(name: string, phase = 'Running') {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'storm' }, spec: {}, status: { phase } };
}

async function setUp(scope: Scope) {
  const kube = new FakeKube({ namespaces: ['storm'] });
  for (const name of ['web-0', 'web-1']) kube.put(podOf(name));
  const open = (namespaces: readonly string[] = ['storm']) =>
    scope.own(openPodView({ kube, namespaces, labelSelector: '', signal: scope.signal }));
  const view = open();
  const [first, second] = await view.until((pods) => pods.length === 2, scope.signal);
  assert.ok(first && second);
  const whereabouts = scope.own(new Whereabouts());
  const enter = (seen: typeof view) =>
    whereabouts.enter({ kube, view: seen, seesAll: false, namespaceOf: () => 'storm' });
  enter(view);
  const connect = (limitMs: number, pod = first) => {
    const remote = new PassThrough();
    endWithPod(remote, pod, whereabouts.gonePods, { limitMs });
    return scope.own(remote, (each) => each.destroy());
  };
  return { kube, view, open, enter, connect, second };
}

describe('endWithPod', { timeout: 120_000 }, () => {
  it('ends the connections of a pod that is deleted, and no others', async () => {
    await using scope = new Scope();
    const { kube, connect, second } = await setUp(scope);
    const [own, other] = [connect(1), connect(1, second)];
    kube.remove(podOf('web-0'));
    const [error] = (await once(own, 'error')) as [Error];
    assert.equal(error.message, 'pod web-0 is gone');
    assert.ok(!other.destroyed);
  });

  it('ends them when the pod will not run again, and when another of its name has come', async () => {
    await using scope = new Scope();
    const { kube, connect, view } = await setUp(scope);
    const failed = once(connect(1), 'error');
    kube.put(podOf('web-0', 'Failed'));
    await failed;
    const replaced = once(connect(1), 'error');
    kube.remove(podOf('web-0'));
    kube.put(podOf('web-0'));
    await replaced;
    assert.equal(view.pods().length, 2);
  });

  it('ends one that was made while its pod went', async () => {
    await using scope = new Scope();
    const { kube, connect, view } = await setUp(scope);
    kube.remove(podOf('web-0'));
    await view.until((pods) => pods.length === 1, scope.signal);
    await once(connect(1), 'error');
  });

  it('ends those of a pod that goes after the view of the pods was replaced', async () => {
    await using scope = new Scope();
    const { kube, view, open, enter, connect, second } = await setUp(scope);
    const [own, other] = [connect(1), connect(1, second)];
    await view[Symbol.asyncDispose]();
    const next = open();
    enter(next);
    await next.until((pods) => pods.length === 2, scope.signal);
    kube.remove(podOf('web-0'));
    const [error] = (await once(own, 'error')) as [Error];
    assert.equal(error.message, 'pod web-0 is gone');
    assert.ok(!other.destroyed);
  });

  it('ends those of a pod that went while there was no view', async () => {
    await using scope = new Scope();
    const { kube, view, open, enter, connect, second } = await setUp(scope);
    const [own, other] = [connect(1), connect(1, second)];
    await view[Symbol.asyncDispose]();
    kube.remove(podOf('web-0'));
    enter(open());
    const [error] = (await once(own, 'error')) as [Error];
    assert.equal(error.message, 'pod web-0 is gone');
    assert.ok(!other.destroyed);
  });

  it('leaves those of a pod that the new view of the project does not show, and still sees it go', async () => {
    await using scope = new Scope();
    const { kube, view, open, enter, connect, second } = await setUp(scope);
    const [own, other] = [connect(1), connect(1, second)];
    await view[Symbol.asyncDispose]();
    kube.remove(podOf('web-1'));
    enter(open([]));
    await once(other, 'error');
    assert.ok(!own.destroyed);
    kube.remove(podOf('web-0'));
    await once(own, 'error');
  });

  it('leaves a connection that ends in order its time', async () => {
    await using scope = new Scope();
    const { kube, connect, view } = await setUp(scope);
    const remote = connect(60_000);
    kube.remove(podOf('web-0'));
    await view.until((pods) => pods.length === 1, scope.signal);
    remote.end('last words');
    assert.equal((await remote.toArray()).join(''), 'last words');
  });
});
