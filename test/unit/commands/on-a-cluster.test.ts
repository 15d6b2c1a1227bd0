import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Delete } from '../../../src/commands/delete.ts';
import { Deploy } from '../../../src/commands/deploy.ts';
import { Dev } from '../../../src/commands/dev.ts';
import { Diff } from '../../../src/commands/diff.ts';
import { Forward } from '../../../src/commands/forward.ts';
import { Logs } from '../../../src/commands/logs.ts';
import { Restart } from '../../../src/commands/restart.ts';
import { Run } from '../../../src/commands/run.ts';
import { Status } from '../../../src/commands/status.ts';
import { formatId, type ObjectId } from '../../../src/objects.ts';
import { Terminal } from '../../../src/terminal/terminal.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { applyTo, claim, configMap, namespaceOf, workload } from '../deploy/support.ts';
import { until } from '../../support/until.ts';
import { noConfig, openStage, type Runnable } from './support.ts';

const web = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'storm', name: 'web' };
const healthy = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };

test('status ends with 1 while something is not ready, and with 0 when all is', async (t) => {
  const kube = new FakeKube();
  await using stage = await openStage(t, kube);
  await stage.write({});
  assert.equal((await stage.run(Status)).code, 1, 'nothing is deployed');
  await applyTo(kube, [configMap('a'), workload('Deployment', 'web')]);
  assert.equal((await stage.run(Status)).code, 1);
  kube.setStatus(web, healthy);
  const { code, stdout } = await stage.run(Status);
  assert.equal(code, 0);
  assert.match(stdout, /deployment\/web/);
});

test('status ends with 6 where the account may not see a kind, and says which right is missing', async (t) => {
  const kube = new FakeKube();
  await using stage = await openStage(t, kube);
  await stage.write({});
  await applyTo(kube, [workload('Deployment', 'web'), workload('Job', 'once')]);
  kube.setStatus(web, healthy);
  kube.forbid(({ method, path }) => method === 'GET' && path.endsWith('/jobs'));
  const { code, stdout, stderr } = await stage.run(Status);
  assert.equal(code, 6);
  assert.match(stdout, /deployment\/web/);
  assert.match(stderr, /the user ann may not list jobs in storm.*it does not count as ready/);
  const json = await stage.run(Status, '-o', 'json');
  assert.equal(json.code, 6);
  const told = JSON.parse(json.stdout.split('\n').find((line) => line.includes('"unseen"')) ?? '') as {
    readonly ready: boolean;
    readonly unseen: readonly { readonly kind: string; readonly namespace: string; readonly because: string }[];
  };
  assert.equal(told.ready, false);
  assert.deepEqual(
    told.unseen.map(({ kind, namespace }) => `${kind} in ${namespace}`),
    ['Job in storm'],
  );
  assert.match(told.unseen[0]?.because ?? '', /cannot list resource "jobs"/);
});

const resultIn = (stdout: string) =>
  JSON.parse(stdout.split('\n').find((line) => line.startsWith('{"version"')) ?? '') as Readonly<
    Record<string, unknown>
  >;

test('status --watch tells once what it may not see, and what changes', async (t) => {
  const kube = new FakeKube();
  await using stage = await openStage(t, kube);
  await stage.write({});
  await applyTo(kube, [workload('Deployment', 'web'), workload('Job', 'once')]);
  kube.forbid(({ method, path }) => method === 'GET' && path.endsWith('/jobs'));
  const watching = stage.run(Status, '--watch');
  await until(() => kube.watching > 2);
  kube.setStatus(web, healthy);
  await stage.prints(/✓ deployment\/web in storm 1\/1/);
  process.emit('SIGINT');
  const { code, stderr } = await watching;
  assert.equal(code, 130);
  assert.equal(stderr.match(/may not list jobs/g)?.length, 1, stderr);
});

test('diff names what is kept though no manifest has it, before what changes', async (t) => {
  const kube = new FakeKube();
  await using stage = await openStage(t, kube);
  await applyTo(kube, [namespaceOf('extra'), configMap('a', { k: 'v' })]);
  await stage.write({}, [configMap('a', { k: 'w' })]);
  const { code, stdout } = await stage.run(Diff);
  assert.equal(code, 1);
  assert.match(stdout, /^= namespace\/extra .*kept: .*--namespaces[^]*^~ configmap\/a$/m);
  const { kept } = resultIn((await stage.run(Diff, '-o', 'json')).stdout);
  assert.equal((kept as readonly unknown[]).length, 1);
  const asked = await stage.run(Diff, '--namespaces');
  assert.match(asked.stdout, /^- namespace\/extra /m);
});

test('diff says of which kinds it can’t see what would go', async (t) => {
  const kube = new FakeKube();
  await using stage = await openStage(t, kube);
  await applyTo(kube, [configMap('a'), workload('Job', 'once')]);
  await stage.write({}, [configMap('a')]);
  kube.forbid(({ method, path }) => method === 'GET' && path.endsWith('/jobs'));
  const { code, stderr } = await stage.run(Diff);
  assert.equal(code, 0);
  assert.match(stderr, /the user ann may not list jobs in storm.*what of it `run` would prune is not shown/);
});

test('a conflict shows the change and ends as run would; with --force-conflicts it is a change', async (t) => {
  const kube = new FakeKube();
  await using stage = await openStage(t, kube);
  await applyTo(kube, [configMap('a', { k: 'v' })]);
  const live = kube.find('ConfigMap', 'a') ?? assert.fail();
  kube.put({ ...live, data: { k: 'theirs' } }, 'somebody');
  await stage.write({}, [configMap('a', { k: 'v' })]);
  const { code, stdout, stderr } = await stage.run(Diff);
  assert.equal(code, 6);
  assert.match(stdout, /^ *! \.data\.k is held by somebody: run needs --force-conflicts$/m);
  assert.match(stderr, /configmap\/a in storm: \.data\.k is held by somebody/);
  const forced = await stage.run(Diff, '--force-conflicts');
  assert.deepEqual([forced.code, forced.stderr], [1, '']);
});

test('run needs no registry where no image is built', async (t) => {
  const kube = new FakeKube();
  await using stage = await openStage(t, kube);
  for (const registry of [{}, { registry: 'k3d' }]) {
    await stage.write(registry, [configMap('a')]);
    const { code, stderr } = await stage.run(Run);
    assert.equal(code, 0, stderr);
  }
  assert.ok(kube.find('ConfigMap', 'a'));
});

test('run warns that there is nothing to deploy, and takes away what there was', async (t) => {
  const kube = new FakeKube();
  await using stage = await openStage(t, kube);
  await applyTo(kube, [configMap('a')]);
  await stage.write({ deploy: [] });
  const { code, stdout, stderr } = await stage.run(Run);
  assert.equal(code, 0, stderr);
  assert.match(`${stdout}${stderr}`, /there is nothing to deploy: `deploy` of stormctl\.yaml is empty/);
  assert.equal(kube.find('ConfigMap', 'a'), undefined);
});

test('dev warns that there is nothing to deploy', async (t) => {
  const kube = new FakeKube();
  await using stage = await openStage(t, kube);
  await stage.write({ deploy: [] });
  const running = stage.run(Dev);
  await stage.prints(/there is nothing to deploy: `deploy` of stormctl\.yaml is empty/);
  process.emit('SIGINT');
  assert.equal((await running).code, 130);
});

for (const command of [Run, Deploy])
  test(`${command.name.toLowerCase()} -o json names what it deleted and what it kept, also when it fails then`, async (t) => {
    const kube = new FakeKube();
    await using stage = await openStage(t, kube);
    await stage.write({ timeout: '1s' }, [configMap('a', { k: 'new' }), workload('Deployment', 'web')]);
    await applyTo(kube, [configMap('a'), configMap('old'), claim('data', 'x')]);
    const { code, stdout } = await stage.run(command, '-o', 'json');
    assert.equal(code, 5, stdout);
    const failed = resultIn(stdout);
    const named = (field: string) => (failed[field] as readonly ObjectId[]).map(formatId);
    assert.equal(failed['ok'], false);
    assert.deepEqual(named('pruned'), ['configmap/old']);
    assert.deepEqual([named('created'), named('changed')], [['deployment/web'], ['configmap/a']]);
    const [kept] = failed['kept'] as readonly { readonly id: ObjectId; readonly because: string }[];
    assert.ok(kept);
    assert.equal(formatId(kept.id), 'persistentvolumeclaim/data');
    assert.match(kept.because, /run --volumes/);
    kube.setStatus(web, healthy);
    const done = resultIn((await stage.run(command, '-o', 'json', '--volumes')).stdout);
    assert.equal(done['ok'], true);
    assert.deepEqual((done['pruned'] as readonly ObjectId[]).map(formatId), ['persistentvolumeclaim/data']);
    assert.equal(done['unchanged'], 2);
  });

for (const [command, isRun] of [
  [Run, true],
  [Deploy, false],
] as const)
  test(`an interrupted ${isRun ? 'run' : 'deploy'} tells what it waited for, and what it leaves`, async (t) => {
    const kube = new FakeKube();
    await using stage = await openStage(t, kube);
    await stage.write({}, [workload('Deployment', 'web')]);
    const running = stage.run(command);
    await until(() => kube.find('Deployment', 'web') !== undefined);
    const message = 'pods "web-1" is forbidden: exceeded quota: q';
    const conditions = [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message }];
    kube.setStatus(web, { observedGeneration: 1, conditions });
    await stage.prints(/deployment\/web.*exceeded quota/);
    process.emit('SIGINT');
    const { code, stdout } = await running;
    assert.equal(code, 130);
    assert.match(stdout, /deployment\/web, still waited for: .*exceeded quota/);
    assert.match(stdout, /what it had applied of storm: `stormctl delete` removes it/);
  });

test('a variable that only a render needs may be missing for what renders nothing', async (t) => {
  const kube = new FakeKube();
  await using stage = await openStage(t, kube);
  await applyTo(kube, [configMap('a')]);
  await writeFile(join(stage.folder, 'Chart.yaml'), '');
  await stage.write({ deploy: [{ helm: { chart: '.', set: { tag: '${NOT_SET}' } } }] });
  const unset = /NOT_SET is not set/;
  assert.match((await stage.run(Diff)).stderr, unset);
  const others: readonly (readonly [Runnable, ...string[]])[] = [
    [Status],
    [Restart, 'nothing'],
    [Forward, 'nothing'],
    [Logs, '--no-follow'],
    [Logs, '--history'],
    [Logs, '--archive', join(stage.folder, 'logs.tar.gz')],
    [Delete],
  ];
  for (const [command, ...argv] of others) {
    const { stdout, stderr } = await stage.run(command, ...argv);
    assert.doesNotMatch(`${stdout}${stderr}`, unset, [command.name, ...argv].join(' '));
  }
  assert.equal(kube.find('ConfigMap', 'a'), undefined, 'delete did its work');
});

test('delete says of which kinds it can’t see anything, in a dry run too', async (t) => {
  const kube = new FakeKube();
  await using stage = await openStage(t, kube);
  await stage.write({});
  await applyTo(kube, [configMap('a'), workload('Job', 'once')]);
  kube.forbid(({ method, path }) => method === 'GET' && path.endsWith('/jobs'));
  const dry = await stage.run(Delete, '--dry-run');
  assert.equal(dry.code, 0);
  assert.match(dry.stdout, /would delete configmap\/a/);
  assert.match(dry.stderr, /the user ann may not list jobs in storm.*nothing of it would be deleted/);
  const { stdout, stderr } = await stage.run(Delete);
  assert.match(`${stdout}${stderr}`, /the user ann may not list jobs in storm/);
  assert.equal(kube.find('ConfigMap', 'a'), undefined);
});

for (const [how, config, flags] of [
  ['of the config', { timeout: '0.05s' }, []],
  ['of the command line, without a config', {}, ['--name', 'storm', '-n', 'storm', '--timeout', '0.05s']],
] as const)
  test(`what does not go ends a delete after the timeout ${how}, with what holds it`, async (t) => {
    const kube = new FakeKube();
    await using stage = await openStage(t, kube);
    await stage.write(config);
    await applyTo(kube, [configMap('a')]);
    const live = kube.find('ConfigMap', 'a') ?? assert.fail();
    kube.put({ ...live, metadata: { ...live.metadata, finalizers: ['example.com/hold'] } });
    const { code, stderr } = await stage.run(Delete, ...flags);
    assert.equal(code, 5);
    assert.match(stderr, /not gone after 0 s: configmap\/a[^]*example\.com\/hold/);
  });

test('a namespace that none can be called is refused before the cluster is asked', async (t) => {
  const kube = new FakeKube();
  await using stage = await openStage(t, kube);
  for (const [command, ...words] of [
    [Delete],
    [Delete, '--name', 'storm'],
    [Forward, 'web', noConfig],
  ] as readonly (readonly [Runnable, ...string[]])[]) {
    const { code, stderr } = await stage.run(command, ...words, '-n', 'Bad_NS');
    assert.equal(code, 2);
    assert.match(stderr, /Bad_NS can be no namespace's name/);
  }
  assert.deepEqual(kube.requests, []);
});

for (const command of [Run, Deploy, Dev])
  test(`what ${command.name.toLowerCase()} has confirmed tells the conflicts, unless they are to be taken`, async (t) => {
    const kube = new FakeKube();
    await using stage = await openStage(t, kube);
    await applyTo(kube, [configMap('a', { k: 'v' })]);
    const live = kube.find('ConfigMap', 'a') ?? assert.fail();
    kube.put({ ...live, data: { k: 'theirs' } }, 'somebody');
    await stage.write({ confirm: true }, [configMap('a', { k: 'v' })]);
    t.mock.method(Terminal.prototype, 'canAsk', () => true);
    const { mock } = t.mock.method(Terminal.prototype, 'ask', async () => 'no');
    for (const flags of [[], ['--force-conflicts']]) assert.equal((await stage.run(command, ...flags)).code, 7);
    const held = mock.calls.map(({ arguments: [lines] }) =>
      lines?.some((line) => line.includes('configmap/a in storm: .data.k is held by somebody')),
    );
    assert.deepEqual(held, [true, false]);
    assert.deepEqual(kube.find('ConfigMap', 'a')?.['data'], { k: 'theirs' });
  });

for (const dry of [[], ['--dry-run']])
  test(`delete ${dry.join('')} of a project that is not there names those that are, and the namespaces that have it`, async (t) => {
    const kube = new FakeKube();
    await using stage = await openStage(t, kube);
    await stage.write({});
    for (const [name, namespace] of [
      ['nc-two', 'two'],
      ['other', 'two'],
      ['gone', 'far'],
    ] as const)
      await applyTo(kube, [configMap(name)], { ref: { name, namespace } });
    const remove = (...argv: readonly string[]) => stage.run(Delete, ...dry, ...argv);
    const typo = await remove('--name', 'nc-tw', '--namespace', 'two');
    assert.equal(typo.code, 0, 'a second delete finds as much');
    const said = 'nothing to delete; in two there is no project nc-tw, but nc-two, other; did you mean nc-two?';
    assert.ok(typo.stdout.includes(`${said}\n`), typo.stdout);
    const misplaced = await remove('--name', 'gone', '--namespace', 'storm');
    assert.match(misplaced.stdout, /^nothing to delete; there is a project gone in far$/m);
    const told = resultIn((await remove('--name', 'nc-tw', '--namespace', 'two', '-o', 'json')).stdout);
    assert.deepEqual([told['projects'], told['namespaces'], told['near']], [['nc-two', 'other'], [], 'nc-two']);
    kube.forbid(({ method, path }) => method === 'GET' && path.endsWith('/configmaps'));
    assert.match((await remove('--name', 'nc-tw', '--namespace', 'two')).stdout, /^nothing to delete$/m);
  });

test('the question of delete names the environment, and what is kept', async (t) => {
  const kube = new FakeKube();
  await using stage = await openStage(t, kube);
  await stage.write({ confirm: true, environments: { staging: {} } });
  await applyTo(kube, [configMap('a'), claim('one', 'x'), claim('two', 'x')]);
  t.mock.method(Terminal.prototype, 'canAsk', () => true);
  const { mock } = t.mock.method(Terminal.prototype, 'ask', async () => 'no');
  assert.equal((await stage.run(Delete, '-e', 'staging')).code, 7);
  assert.equal((await stage.run(Delete, '--volumes')).code, 7);
  const [first = [], second = []] = mock.calls.map(({ arguments: [lines] }) => lines);
  assert.equal(first[0], 'stormctl delete takes storm (staging) away');
  assert.ok(
    first.some((line) =>
      /keeps +persistentvolumeclaim\/one, persistentvolumeclaim\/two: .*`stormctl delete --volumes`/.test(line),
    ),
    first.join('\n'),
  );
  assert.equal(second[0], 'stormctl delete takes storm away');
  assert.ok(!second.some((line) => /keeps +persistentvolumeclaim/.test(line)));
});
