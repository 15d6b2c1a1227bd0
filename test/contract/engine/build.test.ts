import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { connectEngine } from '../../../src/engine/connect-engine.ts';
import { BuildError, type BuildProgress, type BuildRequest } from '../../../src/engine/engine.ts';
import { isAbort } from '../../../src/errors.ts';
import { run } from '../../../src/lib/process.ts';
import { lab } from '../../support/lab.ts';
import { eventually } from '../../support/outside.ts';
import { contextOf } from './context-of.ts';

const never = new AbortController().signal;
const tag = 'stormctl-test-build:1';

describe('building on a real engine', { skip: lab.skip }, () => {
  const engine = connectEngine(process.env);
  after(async () => {
    await engine[Symbol.asyncDispose]();
    await run('docker', ['image', 'rm', '--force', tag, 'stormctl-test-build:2']);
  });

  const build = (dockerfile: string, options: Partial<BuildRequest> = {}, signal = never) =>
    engine.build(
      { context: contextOf({ Dockerfile: dockerfile }), dockerfile: 'Dockerfile', tags: [tag], ...options },
      signal,
    );

  const failureOf = async (dockerfile: string, options: Partial<BuildRequest> = {}) => {
    const error = await build(dockerfile, options).then(
      () => assert.fail('it was built'),
      (error: unknown) => error,
    );
    assert.ok(error instanceof BuildError, String(error));
    return error;
  };

  test('a good Dockerfile gives an image with its tags, labels, arguments and target', async () => {
    const progress: BuildProgress[] = [];
    const mark = randomUUID();
    const image = await build(
      'FROM alpine:latest AS first\nARG MARK\nRUN echo "the mark is $MARK"\nCMD ["first"]\nFROM first\nCMD ["second"]\n',
      {
        tags: [tag, 'stormctl-test-build:2'],
        args: { MARK: mark },
        labels: { 'stormctl.dev/test': mark },
        target: 'first',
        network: 'host',
        onProgress: (one) => progress.push(one),
      },
    );
    const info = await engine.inspectImage('stormctl-test-build:2');
    assert.equal(info?.id, image.id);
    assert.deepEqual(info?.command, ['first']);
    assert.ok(info?.repoTags.includes(tag));
    assert.ok(progress.some((one) => one.type === 'output' && one.line === `the mark is ${mark}`));
    assert.ok(progress.some((one) => one.type === 'step' && one.name.includes('RUN echo') && !one.cached));
    const { stdout } = await run('docker', ['image', 'inspect', '--format', '{{json .Config.Labels}}', tag]);
    assert.equal((JSON.parse(stdout.toString()) as Record<string, string>)['stormctl.dev/test'], mark);
  });

  test('a build with nothing new says that its steps were cached', async () => {
    const dockerfile = 'FROM alpine:latest\nRUN echo always the same\n';
    const first = await build(dockerfile);
    const steps: BuildProgress[] = [];
    const second = await build(dockerfile, { onProgress: (one) => steps.push(one) });
    assert.equal(second.id, first.id);
    assert.ok(steps.some((one) => one.type === 'step' && one.name.includes('RUN echo') && one.cached));
  });

  test('a RUN that fails is a BuildError with the step and what it printed last', async () => {
    const error = await failureOf(
      `FROM alpine:latest\nRUN echo ${randomUUID()} > /dev/null && echo out of flour >&2 && exit 7\n`,
    );
    assert.match(error.step ?? '', /RUN echo/);
    assert.ok(error.output.includes('out of flour'), error.output.join('|'));
    assert.match(error.message, /exit code: 7/);
  });

  test('an unknown instruction is a BuildError that names its line, without the wrapping', async () => {
    const error = await failureOf('FROM alpine:latest\nRUM true\n');
    assert.match(error.message, /^[Dd]ockerfile parse error.*line 2.*RUM/);
    assert.equal(error.step, undefined);
  });

  test('a base image that is nowhere is a BuildError', async () => {
    const error = await failureOf('FROM localhost:5000/stormctl-test-nowhere:1\n');
    assert.match(error.message, /stormctl-test-nowhere/);
  });

  test('a Dockerfile that is not in the context is a BuildError', async () => {
    const error = await failureOf('FROM scratch\n', { dockerfile: 'elsewhere/Dockerfile' });
    assert.match(error.message, /elsewhere/);
  });

  test('a context that breaks off fails with its own error', async () => {
    const context = contextOf({ Dockerfile: 'FROM alpine:latest\n' }, new Error('the disk is gone'));
    await assert.rejects(build('', { context }), /the disk is gone/);
  });

  test('an abort ends with AbortError and the engine kills the step', async () => {
    const mark = `3${Math.floor(Math.random() * 1e6)}.5`;
    const controller = new AbortController();
    const running = build(
      `FROM alpine:latest\nRUN echo begun && sleep ${mark}\n`,
      { onProgress: (one) => one.type === 'output' && one.line === 'begun' && controller.abort() },
      controller.signal,
    );
    await assert.rejects(running, (error) => isAbort(error));
    await eventually('the end of the step', processes, (text) => !text.includes(`sleep ${mark}`));
  });

  test('a session answers for as long as a long build needs it', async () => {
    await build(`FROM alpine:latest\nRUN echo ${randomUUID()} && sleep 7\n`);
  });
});

async function processes(): Promise<string> {
  return (await run('ps', ['-eo', 'args'])).stdout.toString('utf8');
}
