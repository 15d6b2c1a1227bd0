import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { Deliveries } from '../../../src/dev/deliveries.ts';
import type { Input } from '../../../src/dev/inputs.ts';
import { Failure } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import { Channel } from '../../../src/lib/channel.ts';
import { Scope } from '../../../src/lib/scope.ts';
import { FakeEngine } from '../../support/fake-engine.ts';

const work = (because: string) => ({ because, savedAt: 0 });

function start(scope: Scope, deliver: (service: string, because: string, signal: AbortSignal) => Promise<string>) {
  const inputs = new Channel<Input>();
  const reports: Report[] = [];
  const deliveries = new Deliveries({
    deliver: (service, { because }, signal) => deliver(service, because, signal),
    push: (input) => inputs.push(input),
    report: (report) => reports.push(report),
    scope,
  });
  const iterator = inputs[Symbol.asyncIterator]();
  const next = async () => (await iterator.next()).value as Input;
  return { deliveries, next, reports };
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<string>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

test('a delivery comes back with its image and the work that asked for it', async () => {
  await using scope = new Scope();
  const { deliveries, next } = start(scope, async (service) => `${service}:1`);
  deliveries.rebuild('web', work('a.ts'));
  assert.deepEqual(await next(), { type: 'delivered', service: 'web', pinned: 'web:1', work: work('a.ts') });
  deliveries.ended('web');
  await deliveries.attempted('web');
});

test('any error of a delivery is a state of its service, which can be built again', async () => {
  await using scope = new Scope();
  const errors = new Map<string, Error>([
    ['a.ts', new Failure('build', 'no')],
    ['b.ts', new TypeError('x is not a function')],
  ]);
  const { deliveries, next } = start(scope, async (_service, because) => {
    throw errors.get(because);
  });
  for (const [because, error] of errors) {
    deliveries.rebuild('web', work(because));
    assert.deepEqual(await next(), { type: 'undelivered', service: 'web', error });
    deliveries.ended('web');
  }
  await deliveries.attempted('web');
});

test('a newer save aborts, whatever the aborted delivery throws, and is not the first attempt’s end', async () => {
  await using scope = new Scope();
  const { deliveries, next, reports } = start(scope, async (_service, because, signal) => {
    if (because === 'b.ts') return 'web:2';
    return untilAborted(signal).catch(() => {
      throw new Failure('build', 'the engine says cancelled');
    });
  });
  deliveries.rebuild('web', work('a.ts'));
  deliveries.rebuild('web', work('b.ts'));
  assert.deepEqual(await next(), { type: 'aborted', service: 'web' });
  deliveries.aborted('web');
  assert.equal((await next()).type, 'delivered');
  assert.deepEqual(
    reports.map(({ type }) => type),
    ['build.aborted'],
  );
});

test('who waits for an attempt does not outlive the session', async () => {
  const scope = new Scope();
  const { deliveries } = start(scope, (_service, _because, signal) => untilAborted(signal));
  deliveries.rebuild('web', work('a.ts'));
  const waiting = assert.rejects(deliveries.attempted('web'), { name: 'AbortError' });
  await scope[Symbol.asyncDispose]();
  await waiting;
});

test('a save in every build: each is stopped in the engine at once and before the next begins, and each third one ends', async () => {
  await using scope = new Scope();
  const engine = new FakeEngine();
  const log: string[] = [];
  let saves = 0;
  const request = () => ({ context: Readable.from([]), dockerfile: 'Dockerfile', tags: [] });
  const { deliveries, next } = start(scope, async (_service, because, signal) => {
    const image = await engine.build(request(), signal);
    return `${because} in ${image.id}`;
  });
  engine.onBuild = async (_request, signal) => {
    log.push('begun');
    deliveries.rebuild('web', work(`save ${++saves}`));
    // The engine hears of it before the call that told of the save returns.
    if (signal.aborted) {
      await Promise.resolve();
      log.push('stopped');
      throw signal.reason;
    }
    log.push('ended');
    return { id: 'sha256:1' };
  };
  deliveries.rebuild('web', work('save 0'));
  const delivered: string[] = [];
  while (delivered.length < 3) {
    const input = await next();
    if (input.type === 'delivered') delivered.push(input.work.because);
    if (input.type === 'delivered') deliveries.ended('web');
    else if (input.type === 'aborted') deliveries.aborted('web');
    else assert.fail(input.type);
  }
  const round = ['begun', 'stopped', 'begun', 'stopped', 'begun', 'ended'];
  assert.deepEqual(log.slice(0, 18), [...round, ...round, ...round]);
  assert.deepEqual(delivered, ['save 2', 'save 5', 'save 8'], 'each holds all that was saved before it began');
});
