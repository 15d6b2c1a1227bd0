import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Cli, runCli } from '../support/cli.ts';
import { openClusterDoor } from '../support/cluster-door.ts';
import { Door } from '../support/door.ts';
import { type HelloProject, helloProject } from '../support/hello-project.ts';
import { kubectl, lab } from '../support/lab.ts';
import { eventually, get, leftIn, listens } from '../support/outside.ts';

const dockerHost = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock';
const skip =
  lab.skip || (dockerHost.startsWith('unix://') ? false : 'the engine does not listen on a socket of this machine');

describe('what is gone comes back', { skip }, () => {
  let project: HelloProject;
  let folder: string;

  before(async () => {
    project = await helloProject('t-outages');
    folder = await mkdtemp(join(tmpdir(), 'stormctl-outages-'));
  });
  after(async () => {
    await kubectl(['delete', 'namespace', project.namespace, '--ignore-not-found', '--wait=false']);
    await project[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const countOf = (cli: Cli, what: string) => ({
    lost: cli.reportsOf('session.lost').filter((report) => report.what === what).length,
    resumed: cli.reportsOf('session.resumed').filter((report) => report.what === what).length,
  });

  test('an edit that is saved while the engine is away is built when it is back, said once', async () => {
    const socket = join(folder, 'docker.sock');
    await using door = await Door.open({ path: socket }, { path: dockerHost.slice('unix://'.length) });
    const env = { KUBECONFIG: lab.kubeconfig, DOCKER_HOST: `unix://${socket}`, DOCKER_CONTEXT: undefined };
    await using dev = new Cli(['dev', '-o', 'json'], { cwd: project.folder, env });
    await dev.report('session.ready', () => true, { timeoutMs: 120_000 });

    await door.shut();
    await project.edit('package.json', '1.0.0', '1.0.1');
    const lost = await dev.report('session.lost');
    assert.equal(lost.what, 'the Docker engine');
    assert.match(lost.cause, /can't reach the Docker engine/);
    await project.write('src/greeting.txt', 'the cluster is there\n');
    await dev.report('sync.done');
    await door.reopen();
    await dev.report('session.resumed', ({ what }) => what === 'the Docker engine');
    await dev.report('loop.rebuilt', () => true, { timeoutMs: 90_000 });
    assert.deepEqual(countOf(dev, 'the Docker engine'), { lost: 1, resumed: 1 });
    assert.deepEqual(dev.reportsOf('failed'), []);

    // And in the middle of a build, of a step that no earlier one has left in the cache: it is begun anew.
    await project.edit('Dockerfile', 'USER node', `RUN echo under way; sleep 4 # ${Date.now()}\nUSER node`);
    await dev.report('build.output', ({ line }) => line.includes('under way'), { timeoutMs: 90_000 });
    await door.shut();
    await dev.until('the second loss', (cli) => countOf(cli, 'the Docker engine').lost === 2);
    await door.reopen();
    await dev.until('the second rebuild', (cli) => cli.reportsOf('loop.rebuilt').length === 2, 90_000);
    assert.deepEqual(countOf(dev, 'the Docker engine'), { lost: 2, resumed: 2 });
    assert.deepEqual(dev.reportsOf('failed'), []);

    dev.kill('SIGINT');
    assert.equal((await dev.ended).code, 130, dev.stderr);
  });

  test('edits and log lines of the time when the cluster was away arrive when it is back, said once', async () => {
    await using through = await openClusterDoor();
    const { door, env } = through;
    await using dev = new Cli(['dev', '-o', 'json'], { cwd: project.folder, env });
    await dev.report('session.ready', () => true, { timeoutMs: 120_000 });
    await dev.report('log', ({ line }) => line === 'hello listens on 8080');

    await door.shut();
    const lost = await dev.report('session.lost');
    assert.equal(lost.what, 'the cluster');
    for (let request = 0; request < 5; request++)
      // The way to a Service is known a moment after its pods are ready.
      await eventually(
        `the answer to away-${request}`,
        () =>
          kubectl([
            'get',
            '--raw',
            `/api/v1/namespaces/${project.namespace}/services/hello:http/proxy/away-${request}`,
          ]),
        () => true,
      );
    await project.write('src/greeting.txt', 'saved while it was away\n');
    await project.edit('k8s/hello.yaml', 'mode: plain', 'mode: away');
    await dev.report('loop.decided', ({ action }) => action === 'redeploy');
    await door.reopen();
    await dev.report('session.resumed', ({ what }) => what === 'the cluster');
    await dev.report('deploy.applied', ({ changed }) => changed.some(({ kind }) => kind === 'ConfigMap'));
    await dev.report('log', ({ line }) => line === 'GET /away-4');
    await eventually(
      'the answer that was saved meanwhile',
      () => get(project.url),
      (body) => body === 'saved while it was away\n',
    );
    const lines = dev.reportsOf('log').map(({ line }) => line);
    for (let request = 0; request < 5; request++)
      assert.equal(lines.filter((line) => line === `GET /away-${request}`).length, 1, 'each line once');
    assert.deepEqual(countOf(dev, 'the cluster'), { lost: 1, resumed: 1 });
    assert.deepEqual(dev.reportsOf('failed'), []);

    dev.kill('SIGINT');
    assert.equal((await dev.ended).code, 130, dev.stderr);
    assert.deepEqual(await leftIn(project.namespace), [`configmap/stormctl-${project.name}`]);
  });

  test('Ctrl+C while the cluster is away says what is left and how to remove it', async () => {
    await using through = await openClusterDoor();
    const { door, env } = through;
    await using dev = new Cli(['dev', '-o', 'json'], { cwd: project.folder, env });
    await dev.report('session.ready', () => true, { timeoutMs: 120_000 });
    await door.shut();
    await dev.report('session.lost');
    dev.kill('SIGINT');
    const { code } = await dev.ended;
    assert.equal(code, 130, dev.text);
    const [ended] = dev.reportsOf('session.ended');
    assert.match(ended?.left.join('\n') ?? '', /t-outages .*`stormctl delete` removes it/);
    assert.equal(await listens(project.port), false);
    const deleted = await runCli(['delete'], { cwd: project.folder, env: { KUBECONFIG: lab.kubeconfig } });
    assert.equal(deleted.code, 0, deleted.stderr);
  });
});
