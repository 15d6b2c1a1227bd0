import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cli, runCli } from '../support/cli.ts';
import { type HelloProject, helloProject } from '../support/hello-project.ts';
import { kubectl, lab } from '../support/lab.ts';
import { eventually, get, leftIn, listens, objectsIn } from '../support/outside.ts';

const env = { KUBECONFIG: lab.kubeconfig };

describe('one small service', { skip: lab.skip }, () => {
  let project: HelloProject;
  const cli = (...args: string[]) => new Cli(args, { cwd: project.folder, env });
  const run = (...args: string[]) => runCli(args, { cwd: project.folder, env });

  before(async () => {
    project = await helloProject('t-hello');
  });
  after(async () => {
    await kubectl(['delete', 'namespace', project.namespace, '--ignore-not-found', '--wait=false']);
    await project[Symbol.asyncDispose]();
  });

  test('dev builds, ships, deploys, forwards, logs, syncs and rebuilds, and Ctrl+C takes it all away', async () => {
    await using dev = cli('dev', '-o', 'json');
    const ready = await dev.report('session.ready', () => true, { timeoutMs: 120_000 });
    assert.deepEqual(
      ready.urls.map(({ url }) => url),
      [project.url],
    );
    assert.equal(await get(project.url), 'hello, storm\n');
    await dev.report('log', ({ source, line }) => source === 'hello' && line === 'hello listens on 8080');
    await dev.report('log', ({ line }) => line === 'GET /');

    const [pod] = await objectsIn(project.namespace, 'pods');
    await project.write('src/greeting.txt', 'synced\n');
    await eventually(
      'the synced answer',
      () => get(project.url),
      (body) => body === 'synced\n',
    );
    const synced = await dev.report('sync.done');
    assert.deepEqual([synced.service, synced.files, synced.containers], ['hello', 1, 1]);
    assert.equal((await objectsIn(project.namespace, 'pods'))[0]?.metadata.uid, pod?.metadata.uid);

    await project.edit('package.json', '1.0.0', '1.0.1');
    const decided = await dev.report('loop.decided', ({ action }) => action === 'rebuild');
    assert.match(decided.because, /Dockerfile:3 COPY package.json/);
    await dev.report('loop.rebuilt', () => true, { timeoutMs: 90_000 });
    await eventually(
      'a new pod alone',
      () => objectsIn(project.namespace, 'pods'),
      (pods) => pods.length === 1 && pods[0]?.metadata.uid !== pod?.metadata.uid,
    );
    assert.equal(await get(project.url), 'synced\n', 'the image holds what was synced before');

    await project.write('README.md', '# ignored\n');
    await project.edit('k8s/hello.yaml', 'mode: plain', 'mode: changed');
    await dev.report('deploy.applied', ({ changed }) => changed.some(({ kind }) => kind === 'ConfigMap'));
    assert.equal(dev.reportsOf('build.started').length, 2, 'neither of these builds anything');

    // A config that is wrong changes nothing; one that is right does, and no log line comes again.
    const config = await project.read('stormctl.yaml');
    await project.write('stormctl.yaml', config.concat('nosuch: 1\n'));
    await dev.report('failed', ({ message }) => message.includes('nosuch'));
    await project.write('stormctl.yaml', config.concat('timeout: 9m\n'));
    await dev.until(
      'a second session',
      ({ reports }) => reports.filter(({ type }) => type === 'session.ready').length === 2,
    );
    assert.equal(await get(project.url), 'synced\n');
    await dev.until(
      'the line of that request',
      (cli) => cli.reportsOf('log').filter(({ line }) => line === 'GET /').length >= 2,
    );
    const lines = dev.reportsOf('log').map(({ pod, stamp, line }) => `${pod} ${stamp} ${line}`);
    assert.deepEqual(lines, [...new Set(lines)]);

    dev.kill('SIGINT');
    const { code } = await dev.ended;
    assert.equal(code, 130, dev.stderr);
    assert.deepEqual(await leftIn(project.namespace), [`configmap/stormctl-${project.name}`]);
    assert.equal(await listens(project.port), false);
    await kubectl(['get', 'namespace', project.namespace]);
  });

  test('run ends when all is ready, and a second run changes nothing', async () => {
    const first = await run('run');
    assert.equal(first.code, 0, first.text + first.stderr);
    const kinds = 'deployments,services,configmaps,pods';
    const before = await objectsIn(project.namespace, kinds);
    const second = await run('run');
    assert.equal(second.code, 0, second.text + second.stderr);
    const after = await objectsIn(project.namespace, kinds);
    const facts = (objects: typeof before) =>
      objects.map(({ kind, metadata }) => ({
        object: `${kind}/${metadata.name}`,
        uid: metadata.uid,
        generation: metadata.generation,
        ours: metadata.managedFields?.filter(({ manager }) => manager === 'stormctl'),
      }));
    assert.deepEqual(facts(after), facts(before));
  });

  test('run --tail stays with the logs of what it started, from their first line', async () => {
    // With its pods, of which `logs` would still tell below.
    await kubectl(['delete', 'deployment/hello', '-n', project.namespace, '--wait', '--cascade=foreground']);
    await using tail = cli('run', '--tail', '-o', 'json');
    await tail.report('session.ready', () => true, { timeoutMs: 120_000 });
    await tail.report('log', ({ line }) => line === 'hello listens on 8080');
    tail.kill('SIGINT');
    assert.equal((await tail.ended).code, 130);
    assert.equal((await objectsIn(project.namespace, 'deployments')).length, 1, 'it leaves everything running');
  });

  test('logs reads what the pods wrote, and logs -f goes on with what they write', async () => {
    const read = await run('logs', '--no-follow', '--tail', '-1');
    assert.equal(read.code, 0, read.stderr);
    assert.match(read.text, /hello +│ hello listens on 8080/);
    await using follow = cli('logs', '-o', 'json');
    await follow.report('log', ({ line }) => line === 'hello listens on 8080');
    await kubectl(['rollout', 'restart', 'deployment/hello', '-n', project.namespace]);
    const pods = await follow.until('the line of a second pod', ({ reports }) => {
      const names = reports.flatMap((report) =>
        report.type === 'log' && report.line.includes('listens') ? [report.pod] : [],
      );
      return new Set(names).size === 2 && names;
    });
    assert.equal(pods.length, 2, 'each pod says it once');
    await follow.report('log', ({ line }) => line === 'hello ends');
    follow.kill('SIGTERM');
    assert.equal((await follow.ended).code, 143);
  });

  test('delete takes everything away but the namespace, twice in a row, and with --namespaces that too', async () => {
    const first = await run('delete');
    assert.equal(first.code, 0, first.text + first.stderr);
    assert.deepEqual(await leftIn(project.namespace), [`configmap/stormctl-${project.name}`]);
    const second = await run('delete');
    assert.equal(second.code, 0, second.text + second.stderr);
    const last = await run('delete', '--volumes', '--namespaces');
    assert.equal(last.code, 0, last.text + last.stderr);
    assert.equal(await kubectl(['get', 'namespace', project.namespace, '--ignore-not-found']), '');
  });

  test('a kill -9 loses nothing: delete finds what was applied', async () => {
    await using dev = cli('dev', '-o', 'json');
    await dev.report('deploy.applied', () => true, { timeoutMs: 120_000 });
    dev.kill('SIGKILL');
    await dev.ended;
    const deleted = await run('delete', '--volumes', '--namespaces');
    assert.equal(deleted.code, 0, deleted.text + deleted.stderr);
    assert.equal(await kubectl(['get', 'namespace', project.namespace, '--ignore-not-found']), '');
  });

  test('SIGHUP, as a closing terminal sends it, ends a session as Ctrl+C does', async () => {
    await using dev = cli('dev', '-o', 'json');
    await dev.report('session.ready', () => true, { timeoutMs: 120_000 });
    dev.kill('SIGHUP');
    assert.equal((await dev.ended).code, 129);
    assert.deepEqual(await leftIn(project.namespace), [`configmap/stormctl-${project.name}`]);
  });
});
