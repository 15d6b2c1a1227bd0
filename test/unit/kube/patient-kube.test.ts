import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isAbort } from '../../../src/errors.ts';
import { type KubeRequest, LoginFailure } from '../../../src/kube/kube.ts';
import { type PatienceOptions, Patience } from '../../../src/kube/patience.ts';
import { askedPauseMs } from '../../../src/kube/passing.ts';
import { PatientKube } from '../../../src/kube/patient-kube.ts';
import { unreachable } from '../../../src/kube/unreachable.ts';
import { FakeApiServer } from '../../support/fake-api-server.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { until } from '../../support/until.ts';
import { connectFake } from './connect-fake.ts';

const pods = { method: 'GET', path: '/api/v1/pods' } as const;
const namespaces = '/api/v1/namespaces';
const any = () => true;
const quick = { pauseMs: 1 };

function broken(code: string) {
  return unreachable(Object.assign(new Error(code), { code }), new FakeKube().target, 'GET /api/v1/pods');
}

function answer(status: number, message: string, retryAfterSeconds?: number) {
  const details = retryAfterSeconds === undefined ? undefined : { retryAfterSeconds };
  return refusal('GET', pods.path, status, 'InternalError', message, details);
}

/** A cluster that has answered once. */
async function known(options: Partial<PatienceOptions> = {}) {
  const fake = new FakeKube();
  const kube = new PatientKube(fake, new Patience({ ...quick, ...options }));
  await kube.request(pods);
  const count = () => fake.requests.length - 1;
  return { fake, kube, count };
}

describe('a server that is away', () => {
  it('is waited for when it has answered once, and not where nobody ever listened', async () => {
    const fresh = new FakeKube();
    fresh.failNext(any, broken('ECONNREFUSED'));
    await assert.rejects(new PatientKube(fresh, new Patience(quick)).request(pods), {
      message: /refuses connections$/,
    });
    const { fake, kube, count } = await known();
    fake.failNext(any, broken('ECONNREFUSED'), 2);
    await kube.request(pods);
    assert.equal(count(), 3);
  });

  it('is asked again when it takes connections and cuts them, the first one too', async () => {
    const fresh = new FakeKube();
    fresh.failNext(any, broken('ECONNRESET'), 2);
    await new PatientKube(fresh, new Patience(quick)).request(pods);
    assert.equal(fresh.requests.length, 3);
    fresh.failNext(any, broken('ECONNRESET'), 2);
    await assert.rejects(new PatientKube(fresh, new Patience({ firstMs: 0 })).request(pods), { kind: 'unreachable' });
  });

  it('is given up when its time is over', async (t) => {
    const { fake, kube, count } = await known({ awayMs: 600_000 });
    const now = performance.now.bind(performance);
    t.mock.method(performance, 'now', () => now() + (count() > 1 ? 600_000 : 0));
    fake.failNext(any, broken('ECONNREFUSED'), 999);
    await assert.rejects(kube.request(pods), { message: /refuses connections$/ });
    assert.equal(count(), 2, 'it was asked again');
  });

  it('is told once it is lost, by whichever request, and at its first answer that it is back', async () => {
    const told: string[] = [];
    const { fake, kube } = await known({
      onLost: (cause) => told.push((cause as Error).message.slice(-19)),
      onAnswer: () => told.push('answer'),
    });
    fake.failNext(any, broken('ECONNREFUSED'));
    await kube.request(pods);
    fake.failNext(any, refusal('GET', pods.path, 404, 'NotFound', 'no'));
    await assert.rejects(kube.request(pods), { status: 404 });
    assert.deepEqual(told, ['answer', 'refuses connections', 'answer', 'answer']);
  });

  it('that takes a request and never answers is as good as away', async () => {
    await using server = await FakeApiServer.listen();
    await using http = connectFake(server.port);
    const kube = new PatientKube(http, new Patience(quick));
    server.on('GET', '/version', (exchange) => exchange.json({}));
    await kube.request({ method: 'GET', path: '/version' });
    let stuck = 0;
    server.on(
      'GET',
      pods.path,
      () => {
        stuck++;
        return new Promise(() => {});
      },
      (exchange) => exchange.json({ items: [] }),
    );
    assert.deepEqual(await kube.request({ ...pods, timeoutMs: 200 }), { items: [] });
    assert.equal(stuck, 1);
  });

  it('keeps nobody who has aborted, by the request or the command', async () => {
    for (const by of ['request', 'command'] as const) {
      const abort = new AbortController();
      const { fake, kube } = await known({
        pauseMs: 60_000,
        awayMs: 600_000,
        signal: by === 'command' ? abort.signal : undefined,
        onLost: () => setImmediate(() => abort.abort()),
      });
      fake.failNext(any, broken('ECONNREFUSED'), 99);
      await assert.rejects(kube.request(by === 'request' ? { ...pods, signal: abort.signal } : pods), isAbort);
    }
  });
});

describe('a server that is busy', () => {
  it('is left alone for as long as it asks for', async () => {
    const { fake, kube } = await known();
    fake.failNext(any, answer(429, 'later', 0.05));
    const askedAt = performance.now();
    await kube.request(pods);
    assert.ok(performance.now() - askedAt >= 49, 'it was asked before that');
  });

  it('is not waited for where it asks for more time than there is', async () => {
    const { fake, kube, count } = await known({ busyMs: 5000 });
    fake.failNext(any, answer(429, 'later', 60));
    await assert.rejects(kube.request(pods), { status: 429, details: { retryAfterSeconds: 60 } });
    assert.equal(count(), 1);
  });

  for (const [status, message] of [
    [429, 'too many requests'],
    [502, 'bad gateway'],
    [503, 'the server is currently unable to handle the request'],
    [504, 'the server was unable to return a response in the time allotted'],
    [500, 'etcdserver: leader changed'],
    [500, 'etcdserver: request timed out'],
    [500, 'rpc error: code = Unavailable desc = transport is closing'],
    [500, 'something that passes'],
  ] as const)
    it(`is asked again after ${status} ${message}`, async () => {
      const { fake, kube, count } = await known();
      fake.failNext(any, answer(status, message), 3);
      await kube.request(pods);
      assert.equal(count(), 4);
    });

  it('is no lost one before it has been so for a while', async () => {
    const { fake, kube } = await known({ onLost: () => assert.fail('told') });
    fake.failNext(any, answer(429, 'too many requests'), 3);
    await kube.request(pods);
  });

  it('turns requests away while one waits, and neither is lost', async () => {
    const { fake, kube, count } = await known();
    fake.failNext(any, answer(429, 'too many requests'), 6);
    await Promise.all([1, 2, 3].map(() => kube.request(pods)));
    assert.equal(count(), 9);
  });
});

describe('what is not asked again', () => {
  const cases = [
    ['a refusal', answer(403, 'no')],
    ['a login that has expired', new LoginFailure('log in again', {})],
    ['certificates', broken('CERT_HAS_EXPIRED')],
    ['a manifest that is at fault', answer(500, 'failed to create typed patch object (x): .spec.y: expected list')],
    ['the no of a webhook, whatever its status', answer(500, 'admission webhook "w" denied the request: no')],
  ] as const;
  for (const [what, error] of cases)
    it(what, async () => {
      const { fake, kube, count } = await known();
      fake.failNext(any, error);
      await assert.rejects(kube.request(pods), error);
      assert.equal(count(), 1);
    });

  it('a server that is broken inside, once its time is over: a webhook that is slow to time out has used it up', async () => {
    const silent = 'Internal error occurred: failed calling webhook "w": context deadline exceeded';
    const { fake, kube, count } = await known({ brokenMs: 20 });
    let release = () => {};
    fake.hold(any, new Promise((resolve) => (release = resolve)));
    fake.failNext(any, answer(500, silent));
    const asked = kube.request(pods);
    await until(() => count() === 1);
    const askedAt = performance.now();
    await until(() => performance.now() - askedAt > 20);
    release();
    await assert.rejects(asked, { message: silent });
    assert.equal(count(), 1);
  });

  it('a create that the server names, unless it was surely not begun', async () => {
    const path = '/api/v1/namespaces/default/configmaps';
    const nameless: KubeRequest = {
      method: 'POST',
      path,
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'a-' } },
    };
    const { fake, kube, count } = await known();
    for (const error of [broken('ECONNRESET'), answer(503, 'busy')]) {
      const before = count();
      fake.failNext(any, error);
      await assert.rejects(kube.request(nameless), error);
      assert.equal(count(), before + 1);
    }
    const named: KubeRequest = {
      method: 'POST',
      path: namespaces,
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } },
    };
    fake.failNext(any, broken('ECONNRESET'));
    fake.failNext(any, answer(429, 'too many requests'));
    await kube.request(named);
    fake.failNext(any, broken('ECONNREFUSED'));
    fake.failNext(any, answer(429, 'too many requests'));
    const before = count();
    await kube.request({ ...nameless, body: JSON.stringify(nameless.body) }).catch(() => {});
    assert.equal(count(), before + 3);
  });
});

it('what is known from before is no answer, and a server that asks for an hour is asked sooner', async () => {
  let answers = 0;
  const { kube } = await known({ onAnswer: () => answers++ });
  const before = answers;
  await kube.resource('v1', 'Pod');
  assert.equal(answers, before);
  assert.equal(askedPauseMs(answer(503, 'later', 3600)), 30_000);
});
