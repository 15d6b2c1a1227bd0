import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deleteProject } from '../../../src/deploy/delete-project.ts';
import { GatedKube } from '../../../src/deploy/gated-kube.ts';
import { IdentityGate } from '../../../src/deploy/identity-gate.ts';
import { readIdentity } from '../../../src/deploy/identity.ts';
import { holdProject } from '../../../src/deploy/project-hold.ts';
import { Failure } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import type { Kube, KubeRequest } from '../../../src/kube/kube.ts';
import { Patience } from '../../../src/kube/patience.ts';
import { PatientKube } from '../../../src/kube/patient-kube.ts';
import { formatId } from '../../../src/objects.ts';
import { ToldOutages } from '../../../src/up/told-outages.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { applyTo, claim, configMap, ref, statefulSet, workload } from './support.ts';

const { signal } = new AbortController();
const first = [configMap('a'), configMap('old'), statefulSet('pg'), workload('Deployment', 'web')];
const second = [configMap('a', { x: '1' }), statefulSet('pg'), workload('Deployment', 'web', 'other')];

/** Everything that a project goes through, with the server away at the n-th request: before it is read, or when it was done. */
async function live(away: number, when: 'before' | 'after') {
  const fake = new FakeKube();
  let count = 0;
  const request = async <T>(one: KubeRequest): Promise<T> => {
    const isAway = ++count === away;
    const result = isAway && when === 'before' ? undefined : await fake.request<T>(one);
    if (!isAway) return result as T;
    const cause = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    throw new Failure('unreachable', 'the cluster closed the connection', { cause });
  };
  const kube: Kube = new Proxy(fake, {
    get: (target, key) => {
      if (key === 'request') return request;
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const reports: Report[] = [];
  const report = (each: Report) => reports.push(each);
  const outages = new ToldOutages(report);
  const patience = new Patience({
    pauseMs: 1,
    onLost: (cause) => outages.lost('the cluster', cause),
    onAnswer: () => outages.resumed('the cluster'),
  });
  const identity = await readIdentity(new PatientKube(fake, patience));
  const gated = new GatedKube(kube, new IdentityGate(fake, identity));
  const patient = new PatientKube(gated, patience);
  const hold = await holdProject({ kube: patient, ref, command: 'run', makesNamespace: true, report, signal });
  const held = new PatientKube(new GatedKube(gated, hold), patience);
  const applied = [await applyTo(held, first), await applyTo(held, second)];
  fake.put(claim('data-pg-0', 'pg'));
  const { deleted, left } = await deleteProject({
    kube: held,
    ...ref,
    volumes: true,
    namespaces: true,
    crds: false,
    signal,
    report,
  });
  await hold[Symbol.asyncDispose]();
  return { fake, count, reports, applied, deleted, left };
}

const outcome = ({ fake, applied, deleted, left }: Awaited<ReturnType<typeof live>>) => ({
  created: applied.map(({ created }) => created.map(formatId).toSorted()),
  refused: applied.flatMap(({ refused }) => refused.map(({ failure }) => failure.message)),
  standing: fake
    .all()
    .map(({ kind, metadata: { name } }) => formatId({ kind, name }))
    .toSorted(),
  deleted: deleted.map(formatId).toSorted(),
  left,
});

for (const when of ['before', 'after'] as const)
  test(`a server that goes away at any request, ${when} it did what was asked, changes nothing of what comes out`, async () => {
    const calm = await live(0, when);
    assert.deepEqual(calm.fake.all('Lease'), []);
    assert.ok(calm.count > 30, 'there are requests to lose');
    for (let away = 1; away <= calm.count; away++) {
      const shaken = await live(away, when);
      assert.deepEqual(outcome(shaken), outcome(calm), `away at request ${away}`);
      const told = shaken.reports.map(({ type }) => type).filter((type) => type.startsWith('session.'));
      // A refusal that is the answer gets through; the farewell of the hold, the last request, is not waited for.
      if (told.length > 0 && away < calm.count)
        assert.deepEqual(told, ['session.lost', 'session.resumed'], `away at request ${away}`);
    }
  });

test('what stood before, and is taken by a write that is made again after a cut, is not told as created', async () => {
  const fake = new FakeKube({ namespaces: ['storm'] });
  const there = {
    ...configMap('a'),
    metadata: { name: 'a', namespace: 'storm', creationTimestamp: '2026-01-01T00:00:00Z' },
  };
  fake.put({ ...there, data: { theirs: '1' } });
  const cause = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  fake.failNext(
    ({ method, path }) => method === 'PATCH' && path.endsWith('/configmaps/a'),
    new Failure('unreachable', 'the cluster closed the connection', { cause }),
  );
  const applied = await applyTo(new PatientKube(fake, new Patience({ pauseMs: 1 })), [configMap('a')]);
  assert.deepEqual([applied.created, applied.changed.map(formatId)], [[], ['configmap/a']]);
});
