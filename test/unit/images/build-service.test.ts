import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { BuildError } from '../../../src/engine/engine.ts';
import { Failure } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import { buildService, type BuildServiceRequest } from '../../../src/images/build-service.ts';
import { HashCache } from '../../../src/images/hash-cache.ts';
import { ImageCache } from '../../../src/images/image-cache.ts';
import type { Build } from '../../../src/project.ts';
import { type ContextFolder, contextFolder, serviceOf } from '../../support/context-folder.ts';
import { FakeEngine } from '../../support/fake-engine.ts';

const files = { Dockerfile: 'FROM a\nARG V\nCOPY src /src\nRUN make', 'src/a': 'one', 'README.md': '' };

interface Bench extends AsyncDisposable {
  readonly folder: ContextFolder;
  readonly engine: FakeEngine;
  readonly reports: Report[];
  /** Called when a build begins, after the listing and before the packing. */
  onStarted: () => void;
  accept: BuildServiceRequest['accept'];
  build(build?: Partial<Build>, signal?: AbortSignal): ReturnType<typeof buildService>;
}

async function bench(): Promise<Bench> {
  const folder = await contextFolder(files);
  const engine = new FakeEngine();
  const hashes = new HashCache();
  const reports: Report[] = [];
  const it: Bench = {
    folder,
    engine,
    reports,
    onStarted: () => {},
    accept: undefined,
    async build(changes, signal = new AbortController().signal) {
      const build = folder.buildOf(changes);
      return buildService({
        engine,
        service: serviceOf('web', 'storm/web', build),
        build,
        rules: await folder.rules(changes),
        images: await ImageCache.open(join(folder.root, '.stormctl')),
        hashes,
        accept: it.accept,
        because: 'src/a changed',
        report: (report) => {
          reports.push(report);
          if (report.type === 'build.started') it.onStarted();
        },
        signal,
      });
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
  return it;
}

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const error: unknown = await promise.then(
    () => assert.fail('it did not fail'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Failure, String(error));
  return error;
}

describe('buildService', () => {
  it('builds target, arguments and network under the name of the image, and reports why', async () => {
    await using it = await bench();
    it.engine.onBuild = async ({ onProgress }) => {
      onProgress?.({ type: 'started', name: '[2/3] COPY src /src' });
      onProgress?.({ type: 'step', name: '[2/3] COPY src /src', cached: true, ms: 5 });
      onProgress?.({ type: 'output', line: 'made' });
      return { id: 'sha256:built' };
    };
    const built = await it.build({ target: '0', args: { V: '1' }, network: 'host' });
    const [request] = it.engine.builds;
    assert.deepEqual(
      [request?.tags, request?.target, request?.args, request?.network, request?.dockerfile, request?.labels],
      [['storm/web:latest'], '0', { V: '1' }, 'host', 'Dockerfile', { 'dev.stormctl.service': 'web' }],
    );
    assert.deepEqual([built.id, built.cached], ['sha256:built', false]);
    assert.deepEqual(it.reports.slice(0, -1), [
      { type: 'build.started', service: 'web', because: 'src/a changed' },
      { type: 'build.step', service: 'web', step: '[2/3] COPY src /src', cached: true, ms: 5 },
      { type: 'build.output', service: 'web', line: 'made' },
    ]);
    const done = it.reports.at(-1);
    assert.ok(done?.type === 'build.done');
    assert.deepEqual([done.image, done.cached], ['storm/web:latest', false]);
  });

  it('builds nothing when the inputs gave an image before that is still there', async () => {
    await using it = await bench();
    const first = await it.build();
    await it.folder.write('README.md', 'no COPY reaches this');
    const second = await it.build();
    assert.equal(it.engine.builds.length, 1);
    assert.deepEqual([second.id, second.digest, second.cached], [first.id, first.digest, true]);
    const done = it.reports.at(-1);
    assert.ok(done?.type === 'build.done' && done.cached);
  });

  it('builds again when the image is gone, an input changed, or the cache is deleted', async () => {
    await using it = await bench();
    await it.build();
    it.engine.images.clear();
    await it.build();
    await it.folder.write('src/a', 'two');
    await it.build();
    await it.build({ args: { V: '2' } });
    await rm(join(it.folder.root, '.stormctl'), { recursive: true });
    await it.build();
    assert.equal(it.engine.builds.length, 5);
  });

  it('takes the last image when its difference is accepted, again and again, and remembers only what was built', async () => {
    await using it = await bench();
    const first = await it.build();
    const asked: unknown[] = [];
    it.accept = (difference) => asked.push(difference) > 0;
    for (const content of ['two', 'three']) {
      await it.folder.write('src/a', content);
      await it.folder.write('src/new/b', content);
      const near = await it.build();
      assert.deepEqual([near.id, near.digest, near.cached], [first.id, undefined, true]);
    }
    assert.equal(asked.length, 2);
    for (const each of asked) assert.deepEqual(each, { changed: ['src/a', 'src/new/b'], removed: [] });
    it.accept = undefined;
    assert.equal((await it.build()).cached, false);
    it.accept = (difference) => asked.push(difference) > 0;
    await rm(join(it.folder.root, 'src/new'), { recursive: true });
    await it.build();
    assert.deepEqual(asked.at(-1), { changed: [], removed: ['src/new/b'] });
    assert.equal(it.engine.builds.length, 2);
  });

  it('builds when the difference is refused or more than files, the image gone, or what it holds not known', async () => {
    await using it = await bench();
    const asked: unknown[] = [];
    it.accept = (difference) => asked.push(difference) === 0;
    await it.build();
    await it.folder.write('src/a', 'two');
    await it.build();
    assert.equal(asked.length, 1);
    it.accept = (difference) => asked.push(difference) > 0;
    await it.folder.link('src/link', 'a');
    await it.build();
    await it.build({ args: { V: '2' } });
    await it.folder.write('Dockerfile', 'FROM b\nCOPY src /src');
    await it.build();
    it.engine.images.clear();
    await it.folder.write('src/a', 'three');
    await it.build();
    await rm(join(it.folder.root, '.stormctl/contents/web.json'));
    await it.folder.write('src/a', 'four');
    await it.build();
    await writeFile(join(it.folder.root, '.stormctl/contents/web.json'), '{"id":"x","contents":{"facts":""}}');
    await it.folder.write('src/a', 'five');
    await it.build();
    assert.equal(asked.length, 1);
    assert.equal(it.engine.builds.length, 8);
  });

  it('knows of an image whose build failed or was not read to its end nothing', async () => {
    await using it = await bench();
    await it.build();
    it.engine.onBuild = () => Promise.reject(new BuildError('no', undefined, []));
    await it.folder.write('src/a', 'two');
    await failureOf(it.build());
    const asked: unknown[] = [];
    it.accept = (difference) => asked.push(difference) > 0;
    await it.folder.write('src/c', 'three');
    await it.build();
    assert.deepEqual(asked, [{ changed: ['src/a', 'src/c'], removed: [] }]);
  });

  it('gives an image of before its name back', async () => {
    await using it = await bench();
    const first = await it.build();
    await it.folder.write('src/a', 'two');
    await it.build();
    await it.folder.write('src/a', 'one');
    it.engine.images.set(first.id, first.id);
    const again = await it.build();
    assert.equal(again.cached, true);
    assert.equal(it.engine.images.get('storm/web:latest'), first.id);
  });

  it('remembers what was sent: a file that changed after the listing does not give the old inputs the new image', async () => {
    await using it = await bench();
    it.onStarted = () => writeFileSync(join(it.folder.root, 'src/a'), 'other');
    const built = await it.build();
    it.onStarted = () => {};
    const same = await it.build();
    assert.deepEqual([same.id, same.cached], [built.id, true]);
    await it.folder.write('src/a', 'one');
    const old = await it.build();
    assert.equal(old.cached, false);
  });

  it('tells a step that failed with its line and the end of its output', async () => {
    await using it = await bench();
    const output = Array.from({ length: 30 }, (_, index) => `line ${index}`);
    it.engine.onBuild = () =>
      Promise.reject(new BuildError('process "make" did not complete: exit code: 2', '[3/3] RUN make', output));
    const failure = await failureOf(it.build());
    assert.equal(failure.kind, 'build');
    assert.equal(failure.message, 'web: process "make" did not complete: exit code: 2');
    assert.equal(failure.where, `${join(it.folder.root, 'Dockerfile')}:4`);
    assert.equal(failure.detail, output.slice(-20).join('\n'));
    assert.ok(failure.next);
    await writeFile(join(it.folder.root, 'Dockerfile'), files.Dockerfile);
    assert.equal((await failureOf(it.build())).kind, 'build', 'a build that failed is not remembered');
  });

  it("takes the line of BuildKit's parser", async () => {
    await using it = await bench();
    it.engine.onBuild = () => Promise.reject(new BuildError('dockerfile parse error line 2: bad\nmore', undefined, []));
    const failure = await failureOf(it.build());
    assert.equal(failure.where, `${join(it.folder.root, 'Dockerfile')}:2`);
    assert.equal(failure.detail, 'more');
  });

  it('passes on what is no mistake of the build', async () => {
    await using it = await bench();
    const gone = new Failure('unreachable', 'the engine is gone');
    it.engine.failNext('build', gone);
    assert.equal(await failureOf(it.build()), gone);
    await assert.rejects(it.build({}, AbortSignal.abort()), { name: 'AbortError' });
  });

  it('warns when it can not remember, and gives the image', async () => {
    await using it = await bench();
    await it.folder.write('.stormctl', 'a file where the folder should be');
    const { id } = await it.build();
    assert.ok(id);
    assert.ok(it.reports.some((report) => report.type === 'warning' && report.service === 'web'));
  });
});
