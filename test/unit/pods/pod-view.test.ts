import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure, isAbort } from '../../../src/errors.ts';
import { openPodView } from '../../../src/pods/pod-view.ts';
import type { PodViewOptions } from '../../../src/pods/pod-view.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { podObject, ScriptedKube } from './scripted-kube.ts';

const labels = { 'stormctl.dev/project': 'p' };
const never = new AbortController().signal;

function open(kube: FakeKube, options: Partial<PodViewOptions> = {}) {
  const labelSelector = 'stormctl.dev/project=p';
  const view = openPodView({ kube, namespaces: ['storm'], labelSelector, signal: never, ...options });
  const changes: string[] = [];
  view.subscribe((change) => changes.push(`${change.type} ${change.pod.name}`));
  return { view, changes };
}

function names(pods: readonly { readonly name: string }[]): readonly string[] {
  return pods.map(({ name }) => name);
}

describe('openPodView', () => {
  it('shows the labelled pods of its namespaces, oldest first, and no others', async () => {
    const kube = new FakeKube({ namespaces: ['storm', 'data', 'other'] });
    kube.put(podObject('young', { labels, creationTimestamp: '2026-01-02T00:00:00Z' }));
    kube.put(podObject('old', { labels, namespace: 'data' }));
    kube.put(podObject('elsewhere', { labels, namespace: 'other' }));
    kube.put(podObject('foreign'));
    const { view } = open(kube, { namespaces: ['storm', 'data'] });
    await using _view = view;
    await view.synced;
    assert.deepEqual(names(view.pods()), ['old', 'young']);
  });

  it('reports pods that vanished while the watch was cut, and says when it is lost and back', async () => {
    const kube = new ScriptedKube();
    const said: string[] = [];
    const { view, changes } = open(kube, {
      onLost: (cause) => said.push(`lost: ${cause.message}`),
      onResumed: () => said.push('resumed'),
    });
    await using _view = view;
    kube.say('storm', { type: 'list', objects: [podObject('a'), podObject('b')] });
    await view.synced;
    kube.say('storm', { type: 'lost', cause: new Error('reset') });
    kube.say('storm', { type: 'list', objects: [podObject('b'), podObject('c')] });
    await view.until((pods) => pods.some(({ name }) => name === 'c'), never);
    assert.deepEqual(changes, ['set a', 'set b', 'gone a', 'set b', 'set c']);
    assert.deepEqual(said, ['lost: reset', 'resumed']);
  });

  it('leaves the pods of other namespaces alone when one is listed again', async () => {
    const kube = new ScriptedKube();
    const { view } = open(kube, { namespaces: ['storm', 'data'] });
    await using _view = view;
    kube.say('storm', { type: 'list', objects: [podObject('a')] });
    kube.say('data', { type: 'list', objects: [podObject('d', { namespace: 'data' })] });
    await view.synced;
    kube.say('storm', { type: 'list', objects: [] });
    assert.deepEqual(names(await view.until((pods) => pods.length === 1, never)), ['d']);
  });

  it('tells a pod that took the name of another from it', async () => {
    const kube = new ScriptedKube();
    const { view } = open(kube);
    await using _view = view;
    const uids: string[] = [];
    view.subscribe((change) => uids.push(`${change.type} ${change.pod.uid}`));
    kube.say('storm', { type: 'list', objects: [podObject('db-0', { uid: 'first' })] });
    kube.say('storm', { type: 'set', object: podObject('db-0', { uid: 'second' }) });
    kube.say('storm', { type: 'gone', object: podObject('db-0', { uid: 'first' }) });
    kube.say('storm', { type: 'set', object: podObject('end') });
    const pods = await view.until((each) => each.length === 2, never);
    assert.deepEqual(uids, ['set first', 'gone first', 'set second', 'set uid-end']);
    assert.equal(pods.find(({ name }) => name === 'db-0')?.uid, 'second');
  });

  it('says nothing of an object that a new list shows unchanged', async () => {
    const kube = new FakeKube({ namespaces: ['storm'] });
    kube.put(podObject('a', { labels }));
    const { view, changes } = open(kube);
    await using _view = view;
    await view.synced;
    kube.cutWatches();
    kube.put(podObject('b', { labels }));
    await view.until((pods) => pods.length === 2, never);
    assert.deepEqual(changes, ['set a', 'set b']);
  });

  it('waits for every namespace before a predicate is asked', async () => {
    const kube = new ScriptedKube();
    const { view } = open(kube, { namespaces: ['storm', 'data'] });
    await using _view = view;
    const none = view.until((pods) => pods.length === 0, never);
    kube.say('storm', { type: 'list', objects: [podObject('a')] });
    kube.say('data', { type: 'list', objects: [] });
    await view.synced;
    kube.say('storm', { type: 'gone', object: podObject('a') });
    assert.deepEqual(await none, []);
  });

  it('gives up a wait when its signal is aborted, and all of them when the view is closed', async () => {
    const kube = new ScriptedKube();
    const { view } = open(kube);
    const controller = new AbortController();
    const mine = view.until(() => true, controller.signal);
    controller.abort(new Error('enough'));
    await assert.rejects(mine, isAbort);
    const others = view.until(() => true, never);
    const closed = view[Symbol.asyncDispose]();
    await assert.rejects(others, isAbort);
    await closed;
    assert.equal(kube.open, 0, 'the watch was left open');
    await assert.rejects(
      view.until(() => true, never),
      isAbort,
    );
  });

  it('ends every wait with one Failure when the account may not see pods', async () => {
    const kube = new ScriptedKube();
    const failures: Failure[] = [];
    const { view } = open(kube, { onFailed: (failure) => failures.push(failure) });
    await using _view = view;
    const waiting = view.until(() => true, never);
    kube.refuse('storm', refusal('GET', '/api/v1/namespaces/storm/pods', 403, 'Forbidden', 'pods is forbidden'));
    const error = await waiting.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof Failure);
    assert.equal(error.kind, 'refused');
    assert.match(error.message, /does not show the pods of namespace storm/);
    assert.equal(error.detail, 'pods is forbidden');
    assert.deepEqual(failures, [error]);
    await assert.rejects(view.synced, error);
  });
});
