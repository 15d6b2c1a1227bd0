import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { after, describe, test } from 'node:test';
import { pack } from 'tar-fs';
import { connectEngine } from '../../../src/engine/connect-engine.ts';
import { listInputs } from '../../../src/images/list-inputs.ts';
import { packContext } from '../../../src/images/pack-context.ts';
import { run } from '../../../src/lib/process.ts';
import { type ContextFolder, contextFolder } from '../../support/context-folder.ts';
import { lab } from '../../support/lab.ts';
import { filesOfImage } from './files-of-image.ts';
import { generatedContext } from './generated-contexts.ts';

const { signal } = new AbortController();
const ours = 'stormctl-test-differential:ours';
const theirs = 'stormctl-test-differential:theirs';

describe('the context that we send gives the image that the whole context gives', { skip: lab.skip }, () => {
  const engine = connectEngine(process.env);
  after(async () => {
    await engine[Symbol.asyncDispose]();
    await run('docker', ['image', 'rm', '--force', ours, theirs]);
  });

  /** Removes the image: the next build would take its name away and leave it behind without one. */
  const takeFiles = async (tag: string) => {
    const files = await filesOfImage(engine, tag, signal);
    await run('docker', ['image', 'rm', '--force', tag]);
    return files;
  };

  /** @returns the image's files, or that the build failed. */
  const buildFrom = async (context: Readable, tag: string) => {
    const built = await engine.build({ context, dockerfile: 'Dockerfile', tags: [tag] }, signal).then(
      () => true,
      (error: Error) => error.message,
    );
    if (built !== true) return 'failed';
    return takeFiles(tag);
  };

  const buildOurs = async (folder: ContextFolder) => {
    const rules = await folder.rules();
    return buildFrom(packContext(rules, await listInputs(rules, signal)).stream, ours);
  };

  const buildWhole = async ({ root }: ContextFolder) =>
    buildFrom(Readable.from(pack(root, { entries: await readdir(root), map: asRoot })), theirs);

  for (let seed = 1; seed <= 8; seed++) {
    test(`a generated context, seed ${seed}`, async () => {
      await using folder = await generatedContext(seed);
      const whole = await buildWhole(folder);
      assert.notEqual(whole, 'failed');
      assert.deepEqual(await buildOurs(folder), whole);
    });
  }

  test('mounts, modes, empty folders and links', async () => {
    await using folder = await contextFolder({
      'src/a.go': 'a',
      'src/deep/b.go': 'b',
      'go.mod': 'module x',
      'vendor/v/x': 'x',
      'unused/y': 'y',
      Dockerfile: [
        'ARG FROM=src',
        'FROM alpine:latest AS build',
        'ARG FROM',
        'RUN --mount=type=bind,target=/all,source=vendor cp -r /all /vendor',
        'COPY ${FROM} /src',
        'FROM scratch',
        'COPY --from=build /src /vendor /out/',
        'COPY go.mo[d] real /',
      ].join('\n'),
    });
    await folder.write('src/run.sh', '#!', 0o4755);
    await folder.link('src/loop', 'loop');
    await folder.link('real', 'src/deep');
    const whole = await buildWhole(folder);
    assert.notEqual(whole, 'failed');
    assert.deepEqual(await buildOurs(folder), whole);
  });

  test('a source that is not there fails in both', async () => {
    await using folder = await contextFolder({ Dockerfile: 'FROM scratch\nCOPY nosuch /', other: '' });
    assert.deepEqual([await buildWhole(folder), await buildOurs(folder)], ['failed', 'failed']);
  });

  const ignoreFiles = [
    'node_modules\n**/*.log\n',
    '*\n!src\nsrc/**/*.log\n',
    'src/*\n!src/a\n# a comment\n!src/deep/keep*\n',
    '/src/deep\n!src/deep/keep.txt\n',
    'a(b)\n**/tmp/\nsrc/[ab]\n',
  ];
  for (const ignore of ignoreFiles) {
    test(`an ignore file as docker build reads it: ${JSON.stringify(ignore)}`, async () => {
      await using folder = await contextFolder({
        Dockerfile: 'FROM scratch\nCOPY . /whole/\nCOPY src* /src/',
        '.dockerignore': `${ignore}\nDockerfile\n.dockerignore\n`,
        'src/a': 'a',
        'src/b': 'b',
        'src/x.log': 'x',
        'src/deep/keep.txt': 'k',
        'src/deep/other': 'o',
        'src/tmp/t': 't',
        'node_modules/m/x.log': 'm',
        'node_modules/m/y': 'm',
        'top.log': 't',
        plain: 'p',
      });
      const cli = await run('docker', ['build', '--quiet', '--tag', theirs, folder.root], {
        env: { ...process.env, DOCKER_BUILDKIT: '0' },
      });
      assert.equal(cli.exitCode, 0, cli.stderr);
      // Our Dockerfile travels inside the context, so a COPY of all of it takes it along (docs/decisions/0012).
      const { 'whole/Dockerfile': _, ...files } = await filesIn(buildOurs(folder));
      assert.deepEqual(withoutModes(files), withoutModes(await takeFiles(theirs)));
    });
  }
});

function asRoot<T extends { uid?: number | undefined; gid?: number | undefined }>(header: T): T {
  return Object.assign(header, { uid: 0, gid: 0 });
}

async function filesIn(built: Promise<Record<string, string> | 'failed'>): Promise<Record<string, string>> {
  const files = await built;
  if (files === 'failed') assert.fail('our build failed');
  return files;
}

/** The legacy builder lists the parents of what it copies, and gives folders modes of its own. */
function withoutModes(files: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(files).flatMap(([path, what]) =>
      what.startsWith('file') ? [[path, what.split(' ').at(-1) ?? '']] : [],
    ),
  );
}
