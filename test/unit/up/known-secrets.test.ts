import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import { never } from '../../../src/lib/abort.ts';
import { Mask } from '../../../src/lib/mask.ts';
import { Scope } from '../../../src/lib/scope.ts';
import { KnownSecrets } from '../../../src/up/known-secrets.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';

const labelSelector = 'stormctl.dev/project=storm';

function open(scope: Scope, kube: FakeKube) {
  const mask = new Mask();
  const reports: Report[] = [];
  const report = (each: Report) => reports.push(each);
  const secrets = scope.own(new KnownSecrets({ kube, labelSelector, mask, report, signal: scope.signal }));
  return { mask, reports, secrets };
}

function put(kube: FakeKube, name: string, value: string, labels: Readonly<Record<string, string>> = {}): void {
  const data = { value: Buffer.from(value).toString('base64') };
  kube.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'storm', labels }, data });
}

const own = { 'stormctl.dev/project': 'storm' };
const isSecrets = ({ path }: { path: string }) => path.includes('/secrets');

test('what is learned is what the Secrets hold when it is asked, however many ask at once', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  await using scope = new Scope();
  const { mask, secrets } = open(scope, kube);
  put(kube, 'db', 'before-1234', own);
  put(kube, 'foreign', 'foreign-1234');
  const pod = { namespace: 'storm', secrets: ['db', 'foreign'] };
  await Promise.all(Array.from({ length: 50 }, () => secrets.learn(pod, never)));
  assert.equal(mask.apply('before-1234 foreign-1234'), '*** ***');
  // Not two for each: those who ask while one is on its way share the next.
  assert.ok(kube.requests.filter(isSecrets).length < 10, String(kube.requests.length));
  put(kube, 'db', 'after-12345', own);
  put(kube, 'foreign', 'other-12345');
  await secrets.learn(pod, never);
  assert.equal(mask.apply('before-1234 after-12345 other-12345'), '*** *** ***');
});

test('a change of a Secret of the project is learned while nobody asks', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  await using scope = new Scope();
  const { mask, secrets } = open(scope, kube);
  const learned = new Promise<void>((resolve) => {
    const learn = mask.learn.bind(mask);
    mask.learn = (values) => {
      const all = [...values];
      learn(all);
      if (all.some((value) => value.toString() === 'mounted-1234')) resolve();
    };
  });
  secrets.watch(['storm']);
  put(kube, 'db', 'mounted-1234', own);
  await learned;
  assert.equal(mask.apply('mounted-1234'), '***');
});

test('Secrets that may not be read are told once, asked for once, and hold nothing up', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  await using scope = new Scope();
  const { mask, reports, secrets } = open(scope, kube);
  put(kube, 'foreign', 'foreign-1234');
  kube.failNext(({ path }) => path.endsWith('/secrets'), refusal('GET', '/', 403, 'Forbidden', 'no'), 9);
  for (let round = 0; round < 3; round++)
    await secrets.learn({ namespace: 'storm', secrets: ['foreign', 'gone'] }, never);
  assert.equal(mask.apply('foreign-1234'), '***');
  assert.equal(kube.requests.filter(({ path }) => path.endsWith('/secrets')).length, 1);
  assert.deepEqual(
    reports.map((each) => ('text' in each ? each.text : each.type)),
    ['what the Secrets in storm hold is masked only as far as the manifests have it: they may not be read'],
  );
});

test('a cluster that does not answer is waited for, until nobody wants to know', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  await using scope = new Scope();
  const { mask, reports, secrets } = open(scope, kube);
  put(kube, 'db', 'before-1234', own);
  kube.failNext(isSecrets, new Failure('unreachable', 'nobody there'), 2);
  await secrets.learn({ namespace: 'storm', secrets: [] }, never);
  assert.equal(mask.apply('before-1234'), '***');
  assert.deepEqual(reports, []);
  kube.failNext(isSecrets, new Failure('unreachable', 'nobody there'), 1000);
  const abort = new AbortController();
  const learning = secrets.learn({ namespace: 'storm', secrets: [] }, abort.signal);
  abort.abort();
  await assert.rejects(learning, { name: 'AbortError' });
});
