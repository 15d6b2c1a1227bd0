import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { type Holder, thisHolder } from '../../../src/deploy/holder.ts';
import { checkUnheld, type HoldOptions, holdProject } from '../../../src/deploy/project-hold.ts';
import type { Report } from '../../../src/events.ts';
import { Failure } from '../../../src/errors.ts';
import type { KubeRequest } from '../../../src/kube/kube.ts';
import type { KubeObject } from '../../../src/objects.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { ref } from './support.ts';

const here = await thisHolder('dev');
const other: Holder = { ...here, session: 'other', user: 'ann', host: 'laptop', machine: 'elsewhere', pid: 4711 };
const quick = { beatMs: 5, lifeMs: 20_000 };

function hold(kube: FakeKube, options: Partial<HoldOptions> = {}) {
  const signal = new AbortController().signal;
  return holdProject({ kube, ref, command: 'run', makesNamespace: true, report: () => {}, signal, ...options });
}

const lease = (kube: FakeKube) => kube.find('Lease', 'stormctl-storm');
const specOf = (kube: FakeKube) => (lease(kube)?.['spec'] ?? {}) as Record<string, unknown>;
const isLeaseWrite = ({ method, path }: KubeRequest) => method === 'PUT' && path.includes('/leases/');

/** As the session that had it left it behind. */
function renewedAt(kube: FakeKube, ms: number): void {
  const live = lease(kube);
  assert.ok(live);
  const renewTime = new Date(ms).toISOString();
  kube.put({ ...live, spec: { ...(live['spec'] as object), renewTime } });
}

async function until(condition: () => unknown): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

test('a project that nobody holds is taken, in a namespace that is made, and nothing is left of it', async () => {
  const kube = new FakeKube();
  {
    await using _ = await hold(kube, { holder: here });
    const spec = specOf(kube);
    assert.match(String(spec['holderIdentity']), new RegExp(`@.* stormctl dev pid ${process.pid}$`));
    assert.match(String(spec['renewTime']), /\.\d{6}Z$/);
    assert.equal(spec['leaseDurationSeconds'], 20);
  }
  assert.deepEqual(kube.all('Lease'), []);
});

test('without a namespace there is nothing to hold for a delete, and nothing is made', async () => {
  const kube = new FakeKube();
  await using held = await hold(kube, { makesNamespace: false });
  await held.beforeWrite(undefined);
  assert.equal(kube.find('Namespace', 'storm'), undefined);
});

test('a second session is refused, and told who has it, since when and what to do', async () => {
  const kube = new FakeKube();
  await using _ = await hold(kube, { holder: other });
  await assert.rejects(hold(kube), (error: Failure) => {
    assert.equal(error.exitCode, 7);
    assert.equal(error.message, 'storm in storm is held by ann@laptop (stormctl dev, pid 4711)');
    assert.match(error.detail ?? '', /it began 0 s ago and gave its last sign of life 0 s ago/);
    assert.match(error.next ?? '', /Ctrl\+C there.*free 20 s after/);
    return true;
  });
  assert.ok(lease(kube));
});

test('of a session on this machine the process can be ended by its number', async () => {
  const kube = new FakeKube();
  await using _ = await hold(kube, { holder: here });
  await assert.rejects(hold(kube), { next: new RegExp(`kill ${process.pid}`) });
});

test('a session on this machine whose process has ended is taken over at once, and that is said', async () => {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  const kube = new FakeKube();
  await using _dead = await hold(kube, { holder: { ...here, session: 'dead', pid: child.pid ?? 0 } });
  const reports: Report[] = [];
  await using _ = await hold(kube, { report: (report) => reports.push(report) });
  assert.deepEqual(reports.length, 1);
  assert.match(JSON.stringify(reports[0]), /took storm over from .*its process has ended/);
});

test('a process of the same number on another machine counts for nothing', async () => {
  const kube = new FakeKube();
  await using _ = await hold(kube, { holder: { ...other, pid: 2 ** 22 + 1 } });
  await assert.rejects(hold(kube), { kind: 'guard' });
});

for (const [when, ms] of [
  ['long ago', -60_000],
  ['in the future, by a clock that is wrong', 3_600_000],
] as const)
  test(`a session elsewhere whose last sign of life was ${when} is taken over once it gives no other`, async () => {
    const kube = new FakeKube({ namespaces: ['storm'] });
    const dead = await hold(kube, { holder: other, timing: { beatMs: 1_000_000, lifeMs: 20_000 } });
    renewedAt(kube, Date.now() + ms);
    const reports: string[] = [];
    const report = (each: Report) => reports.push(each.type === 'note' ? each.text : each.type);
    const next = await hold(kube, { timing: quick, report });
    assert.match(reports.join('\n'), /seems to be gone.*\n.*took storm over from ann@laptop.*no sign of life/);
    assert.equal(specOf(kube)['leaseTransitions'], 1);
    // The one that was taken for dead comes back, and takes nothing away with it.
    await dead[Symbol.asyncDispose]();
    assert.ok(lease(kube));
    await next[Symbol.asyncDispose]();
    assert.equal(lease(kube), undefined);
  });

test('a session elsewhere whose clock is wrong, and that lives, is not taken over', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  await using _ = await hold(kube, { holder: other, timing: { beatMs: 1_000_000, lifeMs: 20_000 } });
  renewedAt(kube, Date.now() - 3_600_000);
  const report = () => renewedAt(kube, Date.now() - 3_595_000);
  await assert.rejects(hold(kube, { timing: quick, report }), { kind: 'guard' });
});

test('of two that find it free at once one gets it', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  const dead = await hold(kube, { holder: other, timing: { beatMs: 1_000_000, lifeMs: 20_000 } });
  renewedAt(kube, 0);
  const tried = await Promise.allSettled([hold(kube, { timing: quick }), hold(kube, { timing: quick })]);
  assert.deepEqual(tried.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
  for (const each of tried) if (each.status === 'fulfilled') await each.value[Symbol.asyncDispose]();
  await dead[Symbol.asyncDispose]();
});

test('it gives signs of life, through an API server that goes away and comes back', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  await using held = await hold(kube, { timing: quick });
  kube.failNext(isLeaseWrite, new Failure('unreachable', 'gone'), 3);
  const { resourceVersion } = lease(kube)?.metadata ?? {};
  await until(() => lease(kube)?.metadata.resourceVersion !== resourceVersion);
  await held.beforeWrite(undefined);
  assert.equal(held.lost.aborted, false);
});

test('one that a person took away is made again', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  await using held = await hold(kube, { timing: quick });
  kube.remove(lease(kube) as KubeObject);
  await until(() => lease(kube));
  await held.beforeWrite(undefined);
});

test('one that a person annotated is kept, and given back', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  const held = await hold(kube, { timing: { beatMs: 1_000_000, lifeMs: 20_000 } });
  const live = lease(kube);
  assert.ok(live);
  kube.put({ ...live, metadata: { ...live.metadata, annotations: { ...live.metadata.annotations, mark: 'x' } } });
  await held[Symbol.asyncDispose]();
  assert.equal(lease(kube), undefined);
});

test('a session that finds its project taken writes no more, and says who took it', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  const held = await hold(kube, { timing: quick });
  kube.remove(lease(kube) as KubeObject);
  await using _ = await hold(kube, { holder: other, timing: { beatMs: 1_000_000, lifeMs: 20_000 } });
  await until(() => held.lost.aborted);
  await assert.rejects(held.beforeWrite(undefined), {
    kind: 'guard',
    message: 'storm in storm was taken over by ann@laptop (stormctl dev, pid 4711)',
  });
  await held[Symbol.asyncDispose]();
  assert.ok(lease(kube), 'it belongs to the other one');
});

test('after a sleep it makes sure that it has the project before it writes', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  // A life that is over at once stands for a sleep that was longer than one.
  await using held = await hold(kube, { timing: { beatMs: 1_000_000, lifeMs: -1_000_000 } });
  await held.beforeWrite(undefined);
  kube.remove(lease(kube) as KubeObject);
  await using _ = await hold(kube, { holder: other, timing: { beatMs: 1_000_000, lifeMs: 20_000 } });
  await assert.rejects(held.beforeWrite(undefined), { kind: 'guard', message: /was taken over by ann@laptop/ });
});

test('who may have no Leases is told once, and goes on', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  const no = refusal('POST', '/x', 403, 'Forbidden', 'leases.coordination.k8s.io is forbidden');
  kube.failNext(({ path }) => path.includes('/leases'), no);
  const reports: Report[] = [];
  await using held = await hold(kube, { report: (report) => reports.push(report) });
  await held.beforeWrite(undefined);
  assert.equal(reports.length, 1);
  assert.match(JSON.stringify(reports[0]), /may not have Leases in storm/);
});

test('a namespace that goes while the project is held takes its Lease along, and that is no loss', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  await using held = await hold(kube, { timing: quick });
  kube.remove(kube.find('Namespace', 'storm') as KubeObject);
  const asked = kube.requests.length;
  await until(() => kube.requests.length > asked + 4);
  await held.beforeWrite(undefined);
  kube.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'storm' } });
  await until(() => lease(kube));
});

test('whoever only looks is told who has a project, of one that lives', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  const { signal } = new AbortController();
  {
    await using _ = await hold(kube, { holder: other });
    await assert.rejects(checkUnheld(kube, ref, signal), { kind: 'guard', message: /held by ann@laptop/ });
    renewedAt(kube, 0);
    await checkUnheld(kube, ref, signal);
  }
  await assert.rejects(checkUnheld(kube, ref, signal), { status: 404 });
});
