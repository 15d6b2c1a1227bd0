import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../../src/errors.ts';
import { ApiError, type Kube, type WatchEvent } from '../../../src/kube/kube.ts';
import { readAll } from '../../../src/kube/transport.ts';
import type { KubeObject } from '../../../src/objects.ts';

export interface Stage {
  readonly kube: Kube;
  readonly namespace: string;
}

/** What the rooms above rely on, of a cluster and of what stands in for one. */
export function testApi(on: string, options: { readonly skip: false | string }, stage: () => Stage): void {
  const it = (name: string, body: (stage: Stage) => Promise<void>): void => {
    void test(`${on}: ${name}`, options, () => body(stage()));
  };

  it('an object that is applied can be read, with every field it had', async ({ kube, namespace }) => {
    const applied = await apply(kube, configMap(namespace, 'applied', { word: 'one' }));
    assert.ok(applied.metadata.uid);
    const read = await kube.request<KubeObject>({ method: 'GET', path: pathOfMap(namespace, 'applied') });
    assert.deepEqual(read['data'], { word: 'one' });
    assert.equal(read.metadata.uid, applied.metadata.uid);
  });

  it('applying the same again changes nothing', async ({ kube, namespace }) => {
    const first = await apply(kube, configMap(namespace, 'same', { word: 'one' }));
    const second = await apply(kube, configMap(namespace, 'same', { word: 'one' }));
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
  });

  it('an object that is not there is an ApiError that says so', async ({ kube, namespace }) => {
    await assert.rejects(kube.request({ method: 'GET', path: pathOfMap(namespace, 'absent') }), (error) => {
      assert.ok(error instanceof ApiError);
      assert.equal(error.status, 404);
      assert.equal(error.reason, 'NotFound');
      assert.match(error.message, /absent/);
      return true;
    });
  });

  it('discovery knows where kinds live, and which kinds there are not', async ({ kube }) => {
    assert.deepEqual(await kube.resource('apps/v1', 'Deployment'), {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      plural: 'deployments',
      namespaced: true,
    });
    assert.equal((await kube.resource('v1', 'Namespace')).namespaced, false);
    const unknown = (error: unknown) => error instanceof Failure && error.kind === 'usage';
    await assert.rejects(kube.resource('apps/v1', 'Deploiement'), unknown);
    await assert.rejects(kube.resource('nobody.example/v1', 'Thing'), unknown);
  });

  it('a watch lists what is there, then tells every change', async ({ kube, namespace }) => {
    await apply(kube, configMap(namespace, 'seen', { word: 'one' }));
    const abort = new AbortController();
    const request = { path: `/api/v1/namespaces/${namespace}/configmaps`, fieldSelector: 'metadata.name=seen' };
    const events = kube.watch(request, abort.signal)[Symbol.asyncIterator]();
    const next = async (): Promise<WatchEvent> => {
      const result = await events.next();
      assert.ok(!result.done);
      return result.value;
    };
    const list = await next();
    assert.ok(list.type === 'list');
    assert.deepEqual(
      list.objects.map(({ apiVersion, kind, metadata }) => [apiVersion, kind, metadata.name]),
      [['v1', 'ConfigMap', 'seen']],
    );
    await apply(kube, configMap(namespace, 'seen', { word: 'two' }));
    const set = await next();
    assert.ok(set.type === 'set');
    assert.deepEqual(set.object['data'], { word: 'two' });
    await kube.request({ method: 'DELETE', path: pathOfMap(namespace, 'seen') });
    const gone = await next();
    assert.ok(gone.type === 'gone');
    assert.equal(gone.object.metadata.name, 'seen');
    const rest = events.next();
    abort.abort();
    await assert.rejects(Promise.resolve(rest), { name: 'AbortError' });
  });

  it('of who wants no more the metadata alone is told, by a write, a list and a watch', async ({ kube, namespace }) => {
    const object = configMap(namespace, 'lean', { word: 'one' });
    const as = (kind: string) => `application/json;as=${kind};g=meta.k8s.io;v=v1`;
    const written = await kube.request<KubeObject>({
      method: 'PATCH',
      path: pathOfMap(namespace, 'lean'),
      query: { fieldManager: 'stormctl-test', force: true },
      contentType: 'application/apply-patch+yaml',
      accept: as('PartialObjectMetadata'),
      body: object,
    });
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const { items } = await kube.request<{ readonly items: readonly Partial<KubeObject>[] }>({
      method: 'GET',
      path,
      query: { fieldSelector: 'metadata.name=lean' },
      accept: as('PartialObjectMetadataList'),
    });
    const abort = new AbortController();
    const events = kube.watch({ path, fieldSelector: 'metadata.name=lean', metadataOnly: true }, abort.signal);
    const seen: KubeObject[] = [];
    const ended = (async () => {
      for await (const event of events) {
        if (event.type === 'list') seen.push(...event.objects);
        if (event.type === 'list') await apply(kube, configMap(namespace, 'lean', { word: 'two' }));
        if (event.type === 'set') seen.push(event.object);
        if (event.type === 'set') abort.abort();
      }
    })();
    await assert.rejects(ended, { name: 'AbortError' });
    assert.equal(seen.length, 2);
    for (const each of [written, ...items, ...seen])
      assert.deepEqual([each.metadata?.name, each['data']], ['lean', undefined]);
    assert.deepEqual([written.apiVersion, written.kind], ['meta.k8s.io/v1', 'PartialObjectMetadata']);
  });

  it('a log of a pod that is not there is refused', async ({ kube, namespace }) => {
    const log = kube.logs({ namespace, pod: 'absent', container: 'main' }, AbortSignal.timeout(10_000));
    await assert.rejects(readAll(log), (error) => error instanceof ApiError);
  });
}

export async function apply(kube: Kube, object: KubeObject): Promise<KubeObject> {
  const { plural } = await kube.resource(object.apiVersion, object.kind);
  return kube.request<KubeObject>({
    method: 'PATCH',
    path: `/api/v1/namespaces/${object.metadata.namespace}/${plural}/${object.metadata.name}`,
    query: { fieldManager: 'stormctl-test', force: true },
    contentType: 'application/apply-patch+yaml',
    body: object,
  });
}

function configMap(namespace: string, name: string, data: Record<string, string>): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
}

function pathOfMap(namespace: string, name: string): string {
  return `/api/v1/namespaces/${namespace}/configmaps/${name}`;
}
