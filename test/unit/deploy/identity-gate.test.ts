import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatedKube } from '../../../src/deploy/gated-kube.ts';
import { IdentityGate } from '../../../src/deploy/identity-gate.ts';
import { readIdentity } from '../../../src/deploy/identity.ts';
import { Failure } from '../../../src/errors.ts';
import type { KubeRequest } from '../../../src/kube/kube.ts';
import { Patience } from '../../../src/kube/patience.ts';
import { PatientKube } from '../../../src/kube/patient-kube.ts';
import type { KubeObject } from '../../../src/objects.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { configMap } from './support.ts';

const never = new AbortController().signal;
const path = '/api/v1/namespaces/storm/configmaps';
const write: KubeRequest = { method: 'POST', path, body: configMap('a') };
const refused = () => broken('ECONNREFUSED');
const broken = (code: string) =>
  new Failure('unreachable', 'gone', { cause: Object.assign(new Error(code), { code }) });
const isIdentity = (request: KubeRequest) => request.path.endsWith('/kube-system');

async function gated() {
  const fake = new FakeKube({ namespaces: ['storm'] });
  const gate = new IdentityGate(fake, await readIdentity(fake));
  return { fake, gate, kube: new GatedKube(fake, gate) };
}

/** As when the cluster is made anew at the same address. */
function remake(fake: FakeKube): void {
  const system = fake.find('Namespace', 'kube-system') as KubeObject;
  fake.remove(system);
  const { uid: _uid, ...metadata } = system.metadata;
  fake.put({ ...system, metadata });
}

test('as long as nothing breaks a write asks nothing', async () => {
  const { fake, kube } = await gated();
  const before = fake.requests.filter(isIdentity).length;
  await kube.request(write);
  assert.equal(fake.requests.filter(isIdentity).length, before);
});

test('after a break the first write asks which cluster it is, and the next does not', async () => {
  const { fake, kube } = await gated();
  fake.failNext(() => true, refused());
  await assert.rejects(kube.request({ method: 'GET', path }), { kind: 'unreachable' });
  const before = fake.requests.filter(isIdentity).length;
  await kube.request(write);
  await kube.request({ method: 'DELETE', path: `${path}/a` });
  assert.equal(fake.requests.filter(isIdentity).length, before + 1);
});

test('a cluster that was made anew is not written to, whichever way, and is read all the same', async () => {
  const { fake, gate, kube } = await gated();
  remake(fake);
  fake.failNext(() => true, refused());
  await assert.rejects(kube.request({ method: 'GET', path }), { kind: 'unreachable' });
  const another = { kind: 'guard', message: /now leads to another cluster/ };
  await assert.rejects(kube.request(write), another);
  await assert.rejects(kube.exec({ namespace: 'storm', pod: 'a', container: 'b', command: [] }, never), another);
  await kube.request({ method: 'GET', path });
  assert.equal(gate.other.reason.kind, 'guard');
  assert.deepEqual(
    fake.requests.filter(({ method }) => method !== 'GET'),
    [],
  );
});

test('a watch that is taken up again on another cluster ends before anybody sees what is there', async () => {
  const { fake, gate, kube } = await gated();
  const events: string[] = [];
  const watching = (async () => {
    for await (const event of kube.watch({ path }, never)) {
      events.push(event.type);
      if (events.length > 1) continue;
      remake(fake);
      fake.cutWatches();
    }
  })();
  await assert.rejects(watching, { kind: 'guard' });
  assert.deepEqual(events, ['list', 'lost']);
  assert.equal(gate.other.aborted, true);
});

test('a watch that is taken up again while the cluster can’t be asked goes on, and the next write asks', async () => {
  const { fake, kube } = await gated();
  const events: string[] = [];
  for await (const event of kube.watch({ path }, never)) {
    events.push(event.type);
    if (events.length === 3) break;
    if (events.length > 1) continue;
    fake.failNext(isIdentity, refused());
    fake.cutWatches();
  }
  assert.deepEqual(events, ['list', 'lost', 'list']);
  const before = fake.requests.filter(isIdentity).length;
  await kube.request(write);
  assert.equal(fake.requests.filter(isIdentity).length, before + 1);
});

test('another authority behind the address is another cluster', async () => {
  const { fake, gate, kube } = await gated();
  fake.failNext(() => true, broken('SELF_SIGNED_CERT_IN_CHAIN'));
  await assert.rejects(kube.request({ method: 'GET', path }), { kind: 'unreachable' });
  assert.equal(gate.other.reason.kind, 'guard');
  await assert.rejects(kube.request(write), { kind: 'guard', detail: /authority/ });
});

test('another authority that is met only when the cluster is asked again is another cluster, too', async () => {
  const { fake, gate, kube } = await gated();
  fake.failNext(() => true, refused());
  await assert.rejects(kube.request({ method: 'GET', path }), { kind: 'unreachable' });
  fake.failNext(isIdentity, broken('SELF_SIGNED_CERT_IN_CHAIN'));
  await assert.rejects(kube.request(write), { kind: 'guard', detail: /authority/ });
  assert.equal(gate.other.aborted, true);
});

test('a write that is made again after a break asks which cluster it is before each attempt', async () => {
  const { fake, kube } = await gated();
  const patient = new PatientKube(kube, new Patience({ pauseMs: 1 }));
  await patient.request({ method: 'GET', path });
  const before = fake.requests.filter(isIdentity).length;
  fake.failNext(({ method }) => method === 'POST', refused(), 2);
  fake.failNext(isIdentity, refused(), 2);
  await patient.request(write);
  assert.ok(fake.find('ConfigMap', 'a'));
  // Two that met nobody, and one for each break of the write.
  assert.equal(fake.requests.filter(isIdentity).length, before + 4);
});
