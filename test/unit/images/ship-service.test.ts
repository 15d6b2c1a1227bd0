import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Failure } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import { ImageCache } from '../../../src/images/image-cache.ts';
import type { Destination } from '../../../src/images/registry.ts';
import { lastShipped, shipService } from '../../../src/images/ship-service.ts';
import { contextFolder, serviceOf } from '../../support/context-folder.ts';
import { FakeEngine } from '../../support/fake-engine.ts';

const id = `sha256:${'0123456789abcdef'.repeat(4)}`;
const tag = 'stormctl-0123456789ab';

interface Registry extends AsyncDisposable {
  readonly address: string;
  /** `name reference` to the digest of the manifest. */
  readonly manifests: Map<string, string>;
  asked: number;
}

async function registry(): Promise<Registry> {
  const manifests = new Map<string, string>();
  const server: Server = createServer((request, response) => {
    it.asked++;
    const [, name, reference] = /^\/v2\/(.+)\/manifests\/(.+)$/.exec(request.url ?? '') ?? [];
    const digest = request.method === 'HEAD' ? manifests.get(`${name} ${reference}`) : undefined;
    response.writeHead(
      digest === undefined ? 404 : 200,
      digest === undefined ? {} : { 'docker-content-digest': digest },
    );
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const it: Registry = {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    manifests,
    asked: 0,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return it;
}

async function bench(engine = new FakeEngine()) {
  const folder = await contextFolder();
  const reports: Report[] = [];
  const loaded: string[] = [];
  engine.images.set('built', id);
  const loadImage = { run: async (reference: string) => void loaded.push(reference) };
  return {
    engine,
    reports,
    loaded,
    loadImage,
    last: async (place: string) => {
      const images = await ImageCache.open(join(folder.root, '.stormctl'));
      return lastShipped(images, serviceOf('web', 'storm/web', folder.buildOf()), place);
    },
    how: () => reports.flatMap((report) => (report.type === 'ship.done' ? [report.how] : [])),
    ship: async (destination: Destination, { image = 'storm/web', signal = new AbortController().signal } = {}) =>
      shipService({
        engine,
        built: { id },
        service: serviceOf('web', image, folder.buildOf()),
        destination,
        place: 'one cluster',
        loadImage: (reference) => loadImage.run(reference),
        images: await ImageCache.open(join(folder.root, '.stormctl')),
        report: (report) => reports.push(report),
        signal,
      }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe('shipService', () => {
  it('remembers what was shipped last, for that cluster alone', async () => {
    await using it = await bench();
    assert.equal(await it.last('one cluster'), undefined);
    const pinned = await it.ship({ kind: 'load' });
    assert.equal(await it.last('one cluster'), pinned);
    assert.equal(await it.last('another cluster'), undefined);
  });

  it('pushes under both tags and pins the name that the nodes pull', async () => {
    await using it = await bench();
    const pinned = await it.ship({ kind: 'push', push: 'registry.test', pull: 'inside:5000' });
    assert.equal(pinned, `inside:5000/storm/web:${tag}@${id}`);
    assert.deepEqual(
      [...it.engine.pushed.keys()],
      [`registry.test/storm/web:${tag}`, 'registry.test/storm/web:latest'],
    );
    assert.deepEqual(it.how(), ['push']);
  });

  it('pushes nothing to a registry of this machine that has the image already', async () => {
    await using it = await bench();
    await using store = await registry();
    const destination = { kind: 'push', push: store.address, pull: store.address } as const;
    const first = await it.ship(destination);
    store.manifests.set(`storm/web ${id}`, id).set('storm/web latest', id);
    assert.equal(await it.ship(destination), first);
    assert.deepEqual(it.how(), ['push', 'present']);
    assert.equal(it.engine.pushed.size, 2);
  });

  it('pushes again when the registry has lost it, or its latest is another', async () => {
    await using it = await bench();
    await using store = await registry();
    const destination = { kind: 'push', push: store.address, pull: store.address } as const;
    await it.ship(destination);
    await it.ship(destination);
    store.manifests.set(`storm/web ${id}`, id).set('storm/web latest', 'sha256:other');
    await it.ship(destination);
    assert.deepEqual(it.how(), ['push', 'push', 'push']);
  });

  it('does not ask the loopback of this machine for an engine elsewhere', async () => {
    await using it = await bench(new FakeEngine({ endpoint: 'tcp://build.test:2376' }));
    await using store = await registry();
    store.manifests.set(`storm/web ${id}`, id).set('storm/web latest', id);
    const destination = { kind: 'push', push: store.address, pull: store.address } as const;
    await it.ship(destination);
    await it.ship(destination);
    assert.deepEqual([it.how(), store.asked], [['push', 'push'], 0]);
  });

  it('leaves an image alone that names its registry', async () => {
    await using it = await bench();
    const pinned = await it.ship({ kind: 'push', push: 'localhost:1', pull: 'x:1' }, { image: 'ghcr.io/storm/web' });
    assert.equal(pinned, `ghcr.io/storm/web:${tag}@${id}`);
  });

  it('loads under the name that the manifests have', async () => {
    await using it = await bench();
    assert.equal(await it.ship({ kind: 'load' }), `storm/web:${tag}`);
    assert.deepEqual([it.loaded, it.how(), it.engine.pushed.size], [[`storm/web:${tag}`], ['load'], 0]);
    assert.equal(it.engine.images.get(`storm/web:${tag}`), id);
  });

  it('says which service a registry or a node did not take', async () => {
    await using it = await bench();
    const down = new Failure('ship', "can't push x: connection refused", { where: 'registry.test', next: 'start it' });
    it.engine.failNext('push', down);
    await assert.rejects(it.ship({ kind: 'push', push: 'registry.test', pull: 'registry.test' }), {
      kind: 'ship',
      message: "web: can't push x: connection refused",
      where: 'registry.test',
      next: 'start it',
      cause: down,
    });
    it.loadImage.run = () => Promise.reject(new Failure('ship', 'the node n did not take it'));
    await assert.rejects(it.ship({ kind: 'load' }), { kind: 'ship', message: 'web: the node n did not take it' });
    assert.deepEqual(it.how(), []);
  });

  it('does not remember a push that failed half-way', async () => {
    await using it = await bench();
    await using store = await registry();
    const destination = { kind: 'push', push: store.address, pull: store.address } as const;
    it.engine.failNext('push', new Failure('ship', 'no'), `${store.address}/storm/web:latest`);
    await assert.rejects(it.ship(destination), { kind: 'ship' });
    store.manifests.set(`storm/web ${id}`, id).set('storm/web latest', id);
    await it.ship(destination);
    assert.deepEqual(it.how(), ['push']);
  });

  it('passes on what the engine says and an abort', async () => {
    await using it = await bench();
    const gone = new Failure('unreachable', 'the engine is gone');
    it.engine.failNext('push', gone);
    await assert.rejects(it.ship({ kind: 'push', push: 'r.test', pull: 'r.test' }), gone);
    await assert.rejects(it.ship({ kind: 'load' }, { signal: AbortSignal.abort() }), { name: 'AbortError' });
  });
});
