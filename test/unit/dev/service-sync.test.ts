import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test as nodeTest } from 'node:test';
import { ServiceSync } from '../../../src/dev/service-sync.ts';
import type { Synced } from '../../../src/dev/synced-record.ts';
import { Failure } from '../../../src/errors.ts';
import type { ContainerState, PodState } from '../../../src/pods/pod-state.ts';
import type { PodView } from '../../../src/pods/pod-view.ts';
import type { ApplyLoop } from '../../../src/up/apply-loop.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { LocalExec } from '../../support/local-exec.ts';
import { ScratchTree } from '../sync/container-folder.ts';

const test = (name: string, run: () => Promise<void>) => void nodeTest(name, { timeout: 120_000 }, run);

const never = new AbortController().signal;

type Container = Partial<ContainerState> & { readonly deleting?: boolean };

/** A service `web` whose newest image is `web:1`, and pods that are as the test says. */
class Scene implements AsyncDisposable {
  readonly local = new ScratchTree();
  readonly remote = new ScratchTree();
  readonly exec = new LocalExec();
  containers: readonly Container[] = [{}];
  image = 'web:1';
  readonly sync: ServiceSync;

  /** Whether the service has `sync: auto`, and its Dockerfile something for it; undefined: it has rules. */
  mayLand: boolean | undefined;

  /** What is noted for the session after this one. */
  noted: Synced | undefined;

  constructor({ selected = true, before = undefined as ((scene: Scene) => Synced) | undefined } = {}) {
    const view: Pick<PodView, 'pods'> = { pods: () => this.containers.map(podOf) };
    const planned = () =>
      this.mayLand === undefined
        ? { service: { name: 'web', sync: [{}], autoSync: false }, selected }
        : { service: { name: 'web', sync: [], autoSync: true }, rules: { mayLand: this.mayLand }, selected };
    const apply = {
      get plan() {
        return { services: [planned()] };
      },
      imageOf: () => this.image,
    };
    this.sync = new ServiceSync({
      kube: new FakeKube({ exec: this.exec.exec }),
      view: view as PodView,
      apply: apply as unknown as ApplyLoop,
      record: {
        before: () => before?.(this),
        note: (_service, synced) => {
          this.noted = synced;
        },
        written: () => Promise.resolve(),
      },
    });
  }

  save(name: string, more: { readonly notInImage?: true } = {}) {
    const place = { to: this.remote.at(`app/${name}`), root: this.remote.at('app') };
    const file = { from: this.local.write(name), ...place, ...more };
    return this.sync.sync(
      { action: 'sync', service: 'web', paths: [name], changed: [file], removed: [], because: '' },
      never,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sync[Symbol.asyncDispose]();
    this.local[Symbol.dispose]();
    this.remote[Symbol.dispose]();
  }
}

function podOf({ deleting = false, ...container }: Container, index: number): PodState {
  const name = `web-${index}`;
  const running = { name: 'main', init: false, image: 'web:1', containerId: `containerd://${index}`, state: 'running' };
  return { namespace: 'storm', name, deleting, containers: [{ ...running, ...container }] } as unknown as PodState;
}

test('files go to the running containers of the newest image alone', async () => {
  await using scene = new Scene();
  scene.containers = [
    {},
    { image: 'web:0' },
    { state: 'waiting' },
    { init: true },
    { containerId: undefined },
    { deleting: true },
    { name: 'second' },
  ];
  const outcome = await scene.save('a.ts');
  assert.equal(outcome.kind === 'synced' && outcome.containers, 2);
  assert.deepEqual(
    scene.exec.requests.map(({ pod }) => pod),
    ['web-0', 'web-6'],
  );
});

test('a container that comes later gets what was saved before, once', async () => {
  await using scene = new Scene();
  scene.containers = [];
  assert.deepEqual(await scene.save('a.ts'), { kind: 'noContainers' });
  assert.deepEqual(await scene.sync.prepare(never), []);
  scene.containers = [{}];
  const [prepared] = await scene.sync.prepare(never);
  assert.equal(prepared?.outcome.kind === 'synced' && prepared.outcome.files, 1);
  assert.deepEqual(await scene.sync.prepare(never), []);
});

test('what an image holds is not sent to its containers, and what was saved while it was built is', async () => {
  await using scene = new Scene();
  await scene.save('before.ts');
  scene.sync.imageBegun('web');
  await scene.save('meanwhile.ts');
  rmSync(scene.remote.at('app'), { recursive: true });
  scene.image = 'web:2';
  scene.containers = [{ image: 'web:2', containerId: 'containerd://new' }];
  scene.sync.imageReady('web');
  await scene.sync.prepare(never);
  assert.deepEqual(Object.keys(scene.remote.files('app')), ['meanwhile.ts']);
});

test('what no image holds is given to the containers of every later image', async () => {
  await using scene = new Scene();
  await scene.save('copied.ts');
  await scene.save('dist/ignored.js', { notInImage: true });
  scene.sync.imageBegun('web');
  rmSync(scene.remote.at('app'), { recursive: true });
  scene.image = 'web:2';
  scene.containers = [{ image: 'web:2', containerId: 'containerd://new' }];
  scene.sync.imageReady('web');
  await scene.sync.prepare(never);
  assert.deepEqual(Object.keys(scene.remote.files('app')), ['dist/ignored.js']);
});

test('who could not be reached by a save is tried again at the next look', async () => {
  await using scene = new Scene();
  await scene.sync.prepare(never);
  scene.exec.refuse = () => new Failure('unreachable', 'no route to host');
  await scene.exec.kill('main');
  assert.equal((await scene.save('a.ts')).kind, 'pending');
  scene.exec.refuse = undefined;
  const [prepared] = await scene.sync.prepare(never);
  assert.equal(prepared?.outcome.kind === 'synced' && prepared.outcome.files, 1);
});

test('a service that was not asked for gets no channel', async () => {
  await using scene = new Scene({ selected: false });
  assert.deepEqual(await scene.sync.prepare(never), []);
  assert.deepEqual(scene.exec.requests, []);
});

test('sync: auto gets a channel where the Dockerfile leaves something to sync, or where something was synced', async () => {
  await using scene = new Scene();
  scene.mayLand = false;
  await scene.sync.prepare(never);
  assert.deepEqual(scene.exec.requests, []);
  scene.mayLand = true;
  await scene.sync.prepare(never);
  assert.equal(scene.exec.requests.length, 1);
  await scene.save('a.ts');
  // The Dockerfile was saved, and its image is not there yet.
  scene.mayLand = false;
  scene.containers = [{ containerId: 'containerd://restarted' }];
  const [prepared] = await scene.sync.prepare(never);
  assert.equal(prepared?.outcome.kind === 'synced' && prepared.outcome.files, 1);
});

const crashing = { state: 'waiting', reason: 'CrashLoopBackOff', exitCode: 1 } as const;

test('a save while a container is in back-off asks for a rebuild, and says after what', async () => {
  await using scene = new Scene();
  scene.containers = [crashing];
  assert.deepEqual(await scene.save('a.ts'), {
    kind: 'needsRebuild',
    because: 'web-0/main is in back-off after exit code 1',
    next: undefined,
  });
  assert.deepEqual(await scene.sync.prepare(never), [], 'the same change asks once');
  assert.equal((await scene.save('b.ts')).kind, 'needsRebuild', 'the next one asks again');
});

test('one replica in back-off is enough, and the others get the file all the same', async () => {
  await using scene = new Scene();
  scene.containers = [{}, crashing];
  assert.equal((await scene.save('a.ts')).kind, 'needsRebuild');
  assert.deepEqual(Object.keys(scene.remote.files('app')), ['a.ts']);
});

test('an init container in back-off and an image that can not be pulled ask for a rebuild', async () => {
  for (const container of [
    { ...crashing, init: true },
    { state: 'waiting', reason: 'ImagePullBackOff' },
  ] as const) {
    await using scene = new Scene();
    scene.containers = [container];
    assert.equal((await scene.save('a.ts')).kind, 'needsRebuild');
  }
});

test('a container that starts, has just ended, is on its way out or runs an older image is waited for', async () => {
  await using scene = new Scene();
  scene.containers = [
    { state: 'waiting', reason: 'ContainerCreating' },
    { state: 'waiting', reason: undefined },
    { state: 'terminated', reason: 'Error', exitCode: 1 },
    { ...crashing, deleting: true },
    { ...crashing, image: 'web:0' },
  ];
  assert.deepEqual(await scene.save('a.ts'), { kind: 'noContainers' });
  assert.deepEqual(await scene.sync.prepare(never), []);
});

test('a container that dies before it could be brought in sync is rebuilt once it is in back-off', async () => {
  await using scene = new Scene();
  scene.exec.refuse = () => new Failure('unreachable', 'container not found');
  assert.equal((await scene.save('a.ts')).kind, 'pending');
  scene.containers = [{ state: 'terminated', exitCode: 1 }];
  assert.deepEqual(await scene.sync.prepare(never), []);
  scene.containers = [crashing];
  const [prepared] = await scene.sync.prepare(never);
  assert.equal(prepared?.outcome.kind, 'needsRebuild');
  assert.deepEqual(await scene.sync.prepare(never), []);
});

test('a container in back-off with nothing to bring asks for nothing', async () => {
  await using scene = new Scene();
  scene.containers = [crashing];
  assert.deepEqual(await scene.sync.prepare(never), []);
});

test('an image that is being built and holds what was saved is waited for', async () => {
  await using scene = new Scene();
  await scene.save('a.ts');
  scene.sync.imageBegun('web');
  scene.containers = [crashing];
  assert.deepEqual(await scene.sync.prepare(never), []);
  scene.image = 'web:2';
  scene.sync.imageReady('web');
  scene.containers = [{ ...crashing, image: 'web:2' }];
  assert.deepEqual(await scene.sync.prepare(never), [], 'it crashes on what the tree holds');
});

test('what an image lacks reaches its containers when they run, and is not taken for what it holds', async () => {
  await using scene = new Scene();
  scene.sync.imageBegun('web');
  const file = { from: scene.local.write('a.ts'), to: scene.remote.at('app/a.ts'), root: scene.remote.at('app') };
  scene.sync.lacks({ action: 'sync', service: 'web', paths: ['a.ts'], changed: [file], removed: [], because: '' });
  scene.sync.imageReady('web');
  const [prepared] = await scene.sync.prepare(never);
  assert.equal(prepared?.outcome.kind === 'synced' && prepared.outcome.files, 1);
  assert.deepEqual(Object.keys(scene.remote.files('app')), ['a.ts']);
});

test('a container that runs on while its image is the newest again has nothing left of what was synced between', async () => {
  await using scene = new Scene();
  scene.sync.imageReady('web');
  await scene.save('a.ts');
  await scene.save('gone.ts');
  const gone = { from: scene.local.at('gone.ts'), to: scene.remote.at('app/gone.ts'), root: scene.remote.at('app') };
  rmSync(gone.from);
  await scene.sync.sync(
    { action: 'sync', service: 'web', paths: ['gone.ts'], changed: [], removed: [gone], because: '' },
    never,
  );
  scene.sync.imageBegun('web');
  scene.image = 'web:2';
  scene.sync.imageReady('web');
  await scene.sync.prepare(never);
  // Its rollout never ends, and what led to it is taken back, with a file that needs a build.
  scene.local.write('a.ts', 'as it was');
  scene.local.write('gone.ts', 'back');
  scene.sync.imageBegun('web');
  scene.image = 'web:1';
  scene.sync.imageReady('web');
  await scene.sync.prepare(never);
  assert.deepEqual(scene.remote.files('app'), { 'a.ts': 'as it was', 'gone.ts': 'back' });
});

test('a container that runs on since the session before is made equal to the tree again', async () => {
  let noted: Synced | undefined;
  {
    await using scene = new Scene();
    await scene.save('a.ts');
    noted = scene.noted;
  }
  assert.deepEqual(noted?.containers, ['containerd://0']);
  const [given] = noted.files;
  assert.ok(given?.to.endsWith('/app/a.ts'));

  await using scene = new Scene({
    before: ({ local, remote }) => ({
      containers: ['containerd://0'],
      files: ['a.ts', 'gone.ts'].map((name) => ({
        from: local.at(name),
        to: remote.at(`app/${name}`),
        root: remote.at('app'),
      })),
    }),
  });
  scene.remote.write('app/a.ts', 'synced');
  scene.remote.write('app/gone.ts', 'synced');
  scene.local.write('a.ts', 'as it was');
  const [prepared] = await scene.sync.prepare(never);
  assert.equal(prepared?.outcome.kind === 'synced' && prepared.outcome.files, 2);
  assert.deepEqual(scene.remote.files('app'), { 'a.ts': 'as it was' });
});

test('a container that the session before did not know gets nothing of what was synced then', async () => {
  await using scene = new Scene({
    before: ({ local, remote }) => ({
      containers: ['containerd://other'],
      files: [{ from: local.write('a.ts'), to: remote.at('app/a.ts'), root: remote.at('app') }],
    }),
  });
  const [prepared] = await scene.sync.prepare(never);
  assert.equal(prepared?.outcome.kind === 'synced' && prepared.outcome.files, 0);
  assert.equal(scene.noted, undefined);
});
