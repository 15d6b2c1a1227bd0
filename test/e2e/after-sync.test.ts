import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cli, runCli } from '../support/cli.ts';
import { type HelloProject, helloProject } from '../support/hello-project.ts';
import { kubectl, lab } from '../support/lab.ts';
import { eventually, get, objectsIn, type SeenObject } from '../support/outside.ts';

const env = { KUBECONFIG: lab.kubeconfig };

interface Status {
  readonly restartCount: number;
  readonly state?: { readonly running?: object; readonly terminated?: { readonly exitCode: number } };
  readonly lastState?: { readonly terminated?: { readonly exitCode: number } };
}

function statusOf(pod: SeenObject | undefined): Status {
  const [status] = (pod?.status?.['containerStatuses'] ?? []) as readonly Status[];
  return status ?? assert.fail('the pod has no container yet');
}

describe('a process that is restarted in its container', { skip: lab.skip }, () => {
  let project: HelloProject;
  const run = (...args: string[]) => runCli(args, { cwd: project.folder, env });
  const pods = () => objectsIn(project.namespace, 'pods');
  /** Without those that a rollout before has told to go: they answer for a while, and then no more. */
  const staying = async () => (await pods()).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const inPod = (pod: SeenObject | undefined, script: string) =>
    kubectl(['exec', '-n', project.namespace, pod?.metadata.name ?? '', '--', 'sh', '-c', script]);

  before(async () => {
    project = await helloProject('t-after');
    await project.edit('stormctl.yaml', 'to: /app/src }', 'to: /app/src }\n    afterSync: { restart: true }');
  });
  after(async () => {
    await kubectl(['delete', 'namespace', project.namespace, '--ignore-not-found', '--wait=false']);
    await project[Symbol.asyncDispose]();
  });

  test('serves what was synced, in the same pod, and its crash and its end are those of the container', async () => {
    await using dev = new Cli(['dev', '-o', 'json'], { cwd: project.folder, env });
    await dev.report('session.ready', () => true, { timeoutMs: 120_000 });
    const [pod, ...others] = await pods();
    assert.deepEqual(others, []);
    assert.equal(await get(project.url), 'hello, storm\n');

    await project.edit('src/server.js', 'response.end(await', "response.end('two ' + await");
    const done = await dev.report('sync.done');
    assert.equal(done.after?.action, 'restart');
    assert.ok((done.after.readyMs ?? 0) > 0, 'its probe was asked');
    assert.equal(await get(project.url), 'two hello, storm\n', 'what the terminal calls ready serves the new code');
    await project.write('src/greeting.txt', 'and three\n');
    await dev.report('sync.done', () => true, { from: 1 });
    assert.equal(await get(project.url), 'two and three\n', 'a second restart keeps what the first one brought');

    const restarted = await run('restart', 'hello', '-o', 'json');
    assert.equal(restarted.code, 0, restarted.text + restarted.stderr);
    assert.match(restarted.text, /"processes":1,"ready":true/);
    assert.equal(await get(project.url), 'two and three\n');
    const [same] = await pods();
    assert.equal(same?.metadata.uid, pod?.metadata.uid);
    assert.equal(statusOf(same).restartCount, 0);
    const ends = () => dev.reportsOf('log').filter(({ line }) => line === 'hello ends').length;
    await dev.until('the third end', () => ends() >= 3);
    assert.equal(ends(), 3, 'it is asked to end');

    const killing = inPod(same, 'kill -s KILL "$(basename "$(readlink /proc/1/fd/9)")"');
    // Who ends a container may be ended with it before it can say that it did.
    await killing.catch((error: Error) => assert.match(error.message, /exit code 137/));
    const crashed = await eventually(
      // A node may say how the run before ended only after it has said that the next one runs.
      'the container runs again, and its end is told',
      async () => statusOf((await pods())[0]),
      ({ restartCount, state, lastState }) =>
        restartCount === 1 && state?.running !== undefined && lastState?.terminated !== undefined,
    );
    assert.equal(crashed.lastState?.terminated?.exitCode, 137);
    await eventually(
      'the new container has what was synced, and runs it',
      () => get(project.url),
      (body) => body === 'two and three\n',
    );

    // A pod of which something is still to be done stays to be read when it has ended.
    const held = (finalizers: readonly string[]) => {
      const patch = JSON.stringify({ metadata: { finalizers } });
      return kubectl(['patch', 'pod', '-n', project.namespace, same?.metadata.name ?? '', '--type=merge', '-p', patch]);
    };
    await held(['test.stormctl.dev/read-its-end']);
    const from = dev.reportsOf('log').length;
    await kubectl(['delete', 'pod', '-n', project.namespace, same?.metadata.name ?? '', '--wait=false']);
    const ended = await dev.report(
      'log',
      ({ pod: name, line }) => name === same?.metadata.name && line === 'hello ends',
      { from },
    );
    assert.ok(ended.line);
    const gone = await eventually(
      'its end is told by the node',
      async () => statusOf((await pods()).find(({ metadata }) => metadata.uid === same?.metadata.uid)),
      ({ state }) => state?.terminated !== undefined,
    );
    assert.equal(gone.state?.terminated?.exitCode, 0, 'it ended by itself, and was not killed');
    await held([]);
    dev.kill('SIGINT');
    assert.equal((await dev.ended).code, 130, dev.stderr);
  });

  test('a session that is started again makes no new pods, and `run` has no supervisor', async () => {
    const command = async () => {
      const [deployment] = await objectsIn(project.namespace, 'deployments');
      const template = deployment?.spec?.['template'] as { spec: { containers: { command?: string[] }[] } };
      return { generation: deployment?.metadata.generation, command: template.spec.containers[0]?.command };
    };
    await project.edit('stormctl.yaml', 'name: t-after', 'onExit: keep\nname: t-after');
    const session = async () => {
      await using dev = new Cli(['dev', '-o', 'json'], { cwd: project.folder, env });
      await dev.report('session.ready', () => true, { timeoutMs: 120_000 });
      dev.kill('SIGINT');
      await dev.ended;
      return command();
    };
    const first = await session();
    assert.match(first.command?.join(' ') ?? '', /stormctl-supervisor/);
    assert.deepEqual(await session(), first);
    const up = await run('run');
    assert.equal(up.code, 0, up.text + up.stderr);
    assert.equal((await command()).command, undefined);
  });

  test('files are synced by hand, and without a supervisor a restart makes new pods, once', async () => {
    await project.write('src/greeting.txt', 'by hand\n');
    const synced = await run('sync', 'hello', 'src/greeting.txt');
    assert.equal(synced.code, 0, synced.text + synced.stderr);
    assert.match(synced.text, /hello synced 1 file in /);
    assert.match(synced.text, /has no supervisor/);
    const [pod] = await staying();
    assert.equal(await inPod(pod, 'cat /app/src/greeting.txt'), 'by hand\n');

    await project.edit('stormctl.yaml', '{ restart: true }', '{ signal: TERM }');
    const signalled = await run('sync', 'hello', 'src/greeting.txt');
    assert.match(signalled.text, /, sent the signal in /);
    const status = await eventually(
      'the process took the signal as its end',
      async () => statusOf((await staying())[0]),
      ({ restartCount, lastState }) => restartCount === 1 && lastState?.terminated !== undefined,
    );
    assert.equal(status.lastState?.terminated?.exitCode, 0);

    const refused = await run('sync', 'hello', 'package.json');
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /nothing of package\.json can be synced for hello: a save of it leads to a rebuild/);
    assert.equal((await run('restart', 'nosuch')).code, 2);

    const restarted = await run('restart', 'hello');
    assert.equal(restarted.code, 0, restarted.text + restarted.stderr);
    assert.match(restarted.text, /restarted deployment\/hello, ready in /);
    const all = await staying();
    assert.ok(all.some(({ metadata }) => metadata.uid !== pod?.metadata.uid));
    const [before] = await objectsIn(project.namespace, 'deployments');
    // The greeting is another one since, so only the template's own change would show.
    await project.write('src/greeting.txt', 'hello, storm\n');
    const again = await run('deploy');
    assert.equal(again.code, 0, again.text + again.stderr);
    const [later] = await objectsIn(project.namespace, 'deployments');
    assert.equal(later?.metadata.generation, before?.metadata.generation, 'an apply leaves the restart alone');
    const deleted = await run('delete', '--namespaces');
    assert.equal(deleted.code, 0, deleted.text + deleted.stderr);
    assert.equal((await run('restart', 'hello')).code, 5);
  });
});
