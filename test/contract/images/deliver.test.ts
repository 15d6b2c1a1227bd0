import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { connectEngine } from '../../../src/engine/connect-engine.ts';
import { Failure } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import { buildService } from '../../../src/images/build-service.ts';
import { HashCache } from '../../../src/images/hash-cache.ts';
import { ImageCache } from '../../../src/images/image-cache.ts';
import { shipService } from '../../../src/images/ship-service.ts';
import { run } from '../../../src/lib/process.ts';
import { type ContextFolder, contextFolder, serviceOf } from '../../support/context-folder.ts';
import { lab } from '../../support/lab.ts';

const { signal } = new AbortController();
const image = 'stormctl-test/deliver';

describe('building and shipping on a real engine and registry', { skip: lab.skip }, () => {
  const engine = connectEngine(process.env);
  after(async () => {
    await engine[Symbol.asyncDispose]();
    const { stdout } = await run('docker', [
      'image',
      'ls',
      '--filter',
      `reference=*/${image}`,
      '--format',
      '{{.Repository}}:{{.Tag}}',
    ]);
    const tags = [...stdout.toString().split('\n'), `${image}:latest`].filter((tag) => tag.includes(image));
    await run('docker', ['image', 'rm', '--force', ...tags]);
  });

  const deliver = async (folder: ContextFolder, report: (report: Report) => void) => {
    const build = folder.buildOf();
    const common = {
      engine,
      service: serviceOf('web', image, build),
      images: await ImageCache.open(join(folder.root, '.stormctl')),
      report,
      signal,
    };
    const built = await buildService({
      ...common,
      build,
      rules: await folder.rules(),
      hashes: new HashCache(),
      because: 'a test',
    });
    const destination = { kind: 'push', push: lab.registry, pull: 'inside:5000' } as const;
    return shipService({
      ...common,
      built,
      destination,
      place: 'lab',
      loadImage: () => assert.fail('nothing is loaded'),
    });
  };

  test('the second time nothing is built and nothing is pushed', async () => {
    await using folder = await contextFolder({ Dockerfile: 'FROM scratch\nCOPY a /', a: randomUUID() });
    const reports: Report[] = [];
    const first = await deliver(folder, (report) => reports.push(report));
    assert.match(first, /^inside:5000\/stormctl-test\/deliver:stormctl-[0-9a-f]{12}@sha256:[0-9a-f]{64}$/);
    assert.equal(await deliver(folder, (report) => reports.push(report)), first);
    const told = reports.flatMap((report): (boolean | string)[] =>
      report.type === 'build.done' ? [report.cached] : report.type === 'ship.done' ? [report.how] : [],
    );
    assert.deepEqual(told, [false, 'push', true, 'present']);
    const pulled = await run('docker', ['pull', '--quiet', `${lab.registry}/${first.slice(first.indexOf('/') + 1)}`]);
    assert.equal(pulled.exitCode, 0, pulled.stderr);
  });

  const broken: readonly [string, readonly string[], number][] = [
    ['a single stage', ['FROM alpine:latest', '', 'RUN true', 'RUN echo before; \\', '  false'], 4],
    [
      'a named stage that another copies from',
      ['FROM alpine:latest AS build', 'WORKDIR /x', 'ENV A=1', 'RUN false', 'FROM scratch', 'COPY --from=build / /'],
      4,
    ],
    [
      'a stage without a name, FROM another',
      ['FROM alpine:latest AS base', 'RUN true', 'FROM base', 'WORKDIR /y', 'RUN true', 'RUN false'],
      6,
    ],
    ['a source that is not there', ['FROM scratch', 'COPY nosuch /'], 2],
  ];
  for (const [name, lines, line] of broken) {
    test(`a failed step is told with its line: ${name}`, async () => {
      await using folder = await contextFolder({ Dockerfile: lines.join('\n') });
      const error: unknown = await deliver(folder, () => {}).then(
        () => assert.fail('it was built'),
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof Failure, String(error));
      assert.deepEqual([error.kind, error.where], ['build', `${join(folder.root, 'Dockerfile')}:${line}`]);
      assert.ok(error.message.startsWith('web: '));
    });
  }
});
