import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { readContext } from '../../../src/context/read-context.ts';
import { Failure } from '../../../src/errors.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'context-'));
  await mkdir(join(root, 'app'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

function read(target?: string, dockerfile = join(root, 'app', 'Dockerfile')) {
  return readContext({ context: join(root, 'app'), dockerfile, target, args: {}, network: undefined });
}

async function refusal(dockerfile: string | undefined, target?: string, ignore?: string): Promise<Failure> {
  if (dockerfile !== undefined) await writeFile(join(root, 'app', 'Dockerfile'), dockerfile);
  if (ignore !== undefined) await writeFile(join(root, 'app', '.dockerignore'), ignore);
  const error = await read(target).then(
    () => assert.fail('it was read'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Failure, String(error));
  assert.equal(error.kind, 'usage');
  assert.ok(error.next === undefined || error.next.length > 0);
  return error;
}

describe('readContext', () => {
  it('refuses a missing Dockerfile and says where it looked', async () => {
    const failure = await refusal(undefined);
    assert.equal(failure.message, 'there is no Dockerfile');
    assert.equal(failure.where, join(root, 'app', 'Dockerfile'));
  });

  it('refuses a missing context', async () => {
    await rm(join(root, 'app'), { recursive: true });
    assert.match((await refusal(undefined)).message, /build context: ENOENT/);
  });

  const mistakes: readonly [string, string, string][] = [
    ['FROM a\n\n  RUM true\n', 'unknown instruction RUM', '3:3'],
    ['FROM a\nCOPY x\n', 'COPY needs a source and a destination', '2:1'],
    ['FROM a\nONBUILD ADD x\n', 'ADD needs a source and a destination', '2:1'],
    ['FROM a as\n', 'FROM takes one image, or IMAGE AS NAME', '1:1'],
    ['ARG A\nRUN x\nFROM a\n', 'RUN before the first FROM', '2:1'],
    ['FROM a\nRUN\n', 'RUN without arguments', '2:1'],
  ];
  for (const [text, problem, position] of mistakes) {
    it(`refuses: ${problem}`, async () => {
      const failure = await refusal(text);
      assert.equal(failure.message, `the Dockerfile can't be built: ${problem}`);
      assert.equal(failure.where, `${join(root, 'app', 'Dockerfile')}:${position}`);
      assert.equal(failure.next, problem.includes('RUM') ? 'did you mean RUN?' : 'correct the line');
    });
  }

  it('refuses a Dockerfile without a stage', async () => {
    assert.equal((await refusal('# nothing\n')).message, 'the Dockerfile has no FROM');
  });

  it('refuses an unknown target and names the nearest', async () => {
    const failure = await refusal('FROM a AS build\nFROM a AS production\n', 'prodution');
    assert.equal(failure.message, 'the Dockerfile has no stage prodution');
    assert.equal(failure.next, 'did you mean production?');
  });

  it('refuses a pattern of the ignore file that is none', async () => {
    const failure = await refusal('FROM a\n', undefined, 'ok\n[z-a]\n');
    assert.equal(failure.where, `${join(root, 'app', '.dockerignore')}:2:1`);
  });

  it('lists the Dockerfile and both places of an ignore file as inputs', async () => {
    const dockerfile = join(root, 'app', 'Dockerfile');
    await writeFile(dockerfile, 'FROM a\n');
    const { inputs } = await read();
    assert.deepEqual(inputs, [dockerfile, `${dockerfile}.dockerignore`, join(root, 'app', '.dockerignore')]);
  });

  it('gives a Dockerfile outside the context a reserved name', async () => {
    await writeFile(join(root, 'Dockerfile'), 'FROM a\nCOPY x /\n');
    const rules = await read(undefined, join(root, 'Dockerfile'));
    assert.equal(rules.dockerfile, '.stormctl.Dockerfile');
    assert.equal(rules.dockerfileText, 'FROM a\nCOPY x /\n');
    assert.equal(rules.reach('Dockerfile').kind, 'unreached');
  });
});

describe('lineOf', () => {
  const dockerfile = [
    'FROM node AS build',
    'WORKDIR /app',
    'ENV A=1',
    'COPY package.json \\',
    '  package-lock.json ./',
    'RUN npm ci',
    'FROM scratch',
    'COPY --from=build /app /app',
    'COPY x /x',
  ].join('\n');

  const steps: readonly [string, number | undefined][] = [
    ['[build 1/4] FROM docker.io/library/node', 1],
    ['[build 2/4] WORKDIR /app', 2],
    ['[build 3/4] COPY package.json   package-lock.json ./', 4],
    ['[build 4/4] RUN npm ci', 6],
    ['[stage-1 2/2] COPY x /x', 9],
    ['[linux/arm64 build 4/4] RUN npm ci', 6],
    ['[build  7/12] RUN npm   ci', 6],
    ['[internal] load build definition from Dockerfile', undefined],
    ['exporting to image', undefined],
    ['[other 1/2] RUN npm ci', undefined],
  ];
  for (const [step, line] of steps) {
    it(`${step} is ${line === undefined ? 'no line' : `line ${line}`}`, async () => {
      await writeFile(join(root, 'app', 'Dockerfile'), dockerfile);
      assert.equal((await read()).lineOf(step), line);
    });
  }
});
