import assert from 'node:assert/strict';
import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Cli, runCli } from '../support/cli.ts';
import { freePort, type HelloProject, helloProject } from '../support/hello-project.ts';
import { kubectl, lab } from '../support/lab.ts';
import { eventually, leftIn, listens, objectsIn } from '../support/outside.ts';

const env = { KUBECONFIG: lab.kubeconfig };

describe('a failure is a state of its service while the others go on', { skip: lab.skip }, () => {
  let project: HelloProject;
  let asItWas: Map<string, string>;
  const cli = (...args: string[]) => new Cli(args, { cwd: project.folder, env });
  const run = (...args: string[]) => runCli(args, { cwd: project.folder, env });
  /** What comes next finds it so, however long the cluster takes. */
  const runUntil = async (what: RegExp) => {
    await using running = cli('run');
    await running.until(String(what), ({ text }) => what.test(text));
    running.kill('SIGINT');
    assert.equal((await running.ended).code, 130, running.stderr);
  };
  /** Only what differs: a config that is written anew begins the session anew. */
  const restore = async () => {
    for (const [path, text] of asItWas) if ((await project.read(path)) !== text) await project.write(path, text);
  };

  before(async () => {
    project = await helloProject('t-failures');
    await addOther(project);
    const paths = ['stormctl.yaml', 'k8s/other.yaml', 'other/Dockerfile', 'other/src/server.js'];
    asItWas = new Map(await Promise.all(paths.map(async (path) => [path, await project.read(path)] as const)));
  });
  beforeEach(restore);
  after(async () => {
    await kubectl(['delete', 'namespace', project.namespace, '--ignore-not-found', '--wait=false']);
    await project[Symbol.asyncDispose]();
  });

  test('in dev: a build, a manifest and a pod fail, each is told once, and the next save heals it', async () => {
    await project.edit('other/Dockerfile', 'USER node', 'RUN echo last words; exit 7\nUSER node');
    await using dev = cli('dev', '-o', 'json');
    const failed = (kind: string) => dev.report('failed', (report) => report.kind === kind, { timeoutMs: 90_000 });

    const build = await failed('build');
    assert.equal(build.service, 'other');
    assert.match(build.message, /exit code: 7/);
    assert.match(build.where ?? '', /other\/Dockerfile:5$/);
    assert.match(build.detail ?? '', /last words/);
    assert.match(build.next ?? '', /save/);
    await dev.report('deploy.ready', ({ object }) => object.kind === 'Deployment' && object.name === 'hello');
    await restore();
    await dev.report('deploy.ready', ({ object }) => object.kind === 'Deployment' && object.name === 'other', {
      timeoutMs: 90_000,
    });
    await dev.report('session.ready');
    const [hello] = await objectsIn(project.namespace, 'deployments');

    // One save with a good and a refused object.
    await project.edit('k8s/other.yaml', 'mode: plain', 'mode: changed');
    await project.edit('k8s/other.yaml', 'containerPort: 8080', 'containerPort: 80800');
    const refused = await failed('usage');
    assert.match(refused.message, /deployment\/other in t-failures is refused: spec\..*containerPort: .*80800/);
    assert.match(refused.where ?? '', /k8s\/other\.yaml:21:33$/);
    await dev.report('deploy.applied', ({ changed }) => changed.some(({ kind }) => kind === 'ConfigMap'));
    await restore();
    await eventually(
      'the ConfigMap as it was',
      () => kubectl(['get', 'configmap', 'other', '-n', project.namespace, '-o', 'jsonpath={.data.mode}']),
      (mode) => mode === 'plain',
    );

    await project.write('other/src/server.js', "console.log('about to fail');\nthrow new Error('boom');\n");
    const crash = await dev.report('deploy.waiting', ({ because }) => /exit code 1/.test(because), {
      timeoutMs: 90_000,
    });
    assert.deepEqual([crash.object.kind, crash.object.name, crash.usual], ['Deployment', 'other', false]);
    await dev.report('log', ({ source, line }) => source === 'other' && line === 'about to fail');
    const rebuilt = dev.reportsOf('loop.rebuilt').length;
    await restore();
    await dev.until('the crash healed', (seen) => seen.reportsOf('loop.rebuilt').length > rebuilt, 90_000);

    const failures = dev.reportsOf('failed').map(({ kind, message }) => `${kind}: ${message}`);
    assert.equal(failures.filter((each) => each.startsWith('build')).length, 1, failures.join('\n'));
    assert.ok(
      failures.every((each) => /^(build|usage): /.test(each)),
      failures.join('\n'),
    );
    const [same] = await objectsIn(project.namespace, 'deployments');
    assert.deepEqual(
      [same?.metadata.name, same?.metadata.generation],
      ['hello', hello?.metadata.generation],
      'the other service was left alone',
    );
    dev.kill('SIGINT');
    assert.equal((await dev.ended).code, 130, dev.stderr);
    assert.deepEqual(await leftIn(project.namespace), [`configmap/stormctl-${project.name}`]);
  });

  test('in dev: a registry that is down is told, and the session goes on', async () => {
    const registry = `localhost:${await freePort()}`;
    await project.edit('stormctl.yaml', 'services:', `registry: ${registry}\nservices:`);
    await using dev = cli('dev', '-o', 'json');
    for (const service of ['hello', 'other']) {
      const failed = await dev.report('failed', (report) => report.service === service, { timeoutMs: 90_000 });
      assert.equal(failed.kind, 'ship');
      assert.match(failed.message, new RegExp(`can't push ${registry}/${service}:\\S+: .*connection refused`));
      assert.match(failed.next ?? '', new RegExp(`is the registry ${registry} up`));
    }
    await dev.report('deploy.applied', ({ created }) => created.some(({ kind }) => kind === 'Service'));
    for (const service of ['hello', 'other'])
      await dev.report('warning', (report) => report.service === service && /not brought up/.test(report.text));
    const told = dev.reportsOf('session.ready').length;
    await restore();
    // The config names a registry that is up again, and what could not be brought up is.
    await dev.report('session.ready', () => true, { from: told, timeoutMs: 90_000 });
    const workloads = await objectsIn(project.namespace, 'deployments');
    assert.deepEqual(workloads.map(({ metadata }) => metadata.name).sort(), ['hello', 'other']);
    dev.kill('SIGINT');
    assert.equal((await dev.ended).code, 130, dev.stderr);
  });

  test('run ends with 3, 4, 2 or 5 and says where, when the others are done', async () => {
    await project.edit('other/Dockerfile', 'USER node', 'RUN echo last words; exit 7\nUSER node');
    const build = await run('run');
    assert.equal(build.code, 3, build.stderr);
    assert.match(build.stderr, /^✗ other: .*exit code: 7$\n {2}at .*other\/Dockerfile:5$\n {2}│ last words$\n {2}→ /m);
    const [hello] = await objectsIn(project.namespace, 'pods');
    assert.match(hello?.metadata.name ?? '', /^hello-/);

    await restore();
    await project.edit('stormctl.yaml', 'services:', `registry: localhost:${await freePort()}\nservices:`);
    const ship = await run('run');
    assert.equal(ship.code, 4, ship.stderr);
    assert.match(ship.stderr, /^✗ other: can't push .*connection refused$/m);

    await restore();
    await project.edit('k8s/other.yaml', 'targetPort: http', 'targetprt: http');
    const refused = await run('run');
    assert.equal(refused.code, 2, refused.stderr);
    assert.match(
      refused.stderr,
      /^✗ service\/other in t-failures is refused: .*targetprt.*$\n {2}at k8s\/other\.yaml:35:35$/m,
    );

    await restore();
    await project.edit('k8s/other.yaml', 'apiVersion: apps/v1', `${unpullable}---\napiVersion: apps/v1`);
    await runUntil(/can't be pulled/);
    await kubectl(['rollout', 'status', 'deployment/other', '-n', project.namespace, '--timeout=120s']);
    const pull = await run('run', '--timeout', '4s');
    assert.equal(pull.code, 5, pull.stderr);
    assert.match(pull.stderr, /^✗ not ready after 4 s: deployment\/nope$/m);
    assert.match(pull.stderr, /image localhost:5000\/nope:1 .*can't be pulled/);

    await restore();
    await project.write('other/src/server.js', "console.log('about to fail');\nthrow new Error('boom');\n");
    await runUntil(/exit code 1/);
    const crash = await run('run', '--timeout', '4s');
    assert.equal(crash.code, 5, crash.stderr);
    assert.match(crash.stderr, /^✗ not ready after 4 s: deployment\/other$/m);
    assert.match(crash.stderr, /container other of pod other-\S+ .*crash.*exit code 1/);
    assert.match(crash.stderr, /Error: boom/);

    const unknown = await run('logs', 'othr');
    assert.equal(unknown.code, 2, unknown.stderr);
    assert.match(unknown.stderr, /there is no service or workload othr\n {2}→ did you mean other\?/);
    await restore();
    assert.equal((await run('delete')).code, 0);
  });

  test('Ctrl+C in the middle of a build ends it in the engine too', async () => {
    const mark = `98765.${process.pid}`;
    await project.edit('other/Dockerfile', 'USER node', `RUN echo begun; sleep ${mark}\nUSER node`);
    await using dev = cli('dev', '-o', 'json');
    await dev.report('build.output', ({ line }) => line === 'begun', { timeoutMs: 90_000 });
    const processes = () => processesWith(`sleep\0${mark}`);
    await eventually('the process of the build', processes, (pids) => pids.length > 0);
    dev.kill('SIGINT');
    assert.equal((await dev.ended).code, 130, dev.stderr);
    await eventually('no process of the build', processes, (pids) => pids.length === 0);
    assert.deepEqual(await leftIn(project.namespace), [`configmap/stormctl-${project.name}`]);
    assert.equal(await listens(project.port), false);
    await restore();
  });

  test('a second Ctrl+C is immediate, and says what is left and what removes it', async () => {
    // Its pod takes its time to go.
    await project.edit('k8s/other.yaml', 'terminationGracePeriodSeconds: 5', 'terminationGracePeriodSeconds: 60');
    await project.edit('other/src/server.js', 'server.close(() => process.exit(0));', '');
    await using dev = cli('dev');
    await dev.until('ready', ({ text }) => /ready in/i.test(text), 120_000);
    dev.kill('SIGINT');
    await eventually(
      'the pod told to go',
      () => objectsIn(project.namespace, 'pods'),
      (pods) => pods.some(({ metadata }) => 'deletionTimestamp' in metadata),
    );
    dev.kill('SIGINT');
    assert.equal((await dev.ended).code, 130, dev.stderr);
    const pods = await objectsIn(project.namespace, 'pods');
    assert.ok(
      pods.some(({ metadata }) => metadata.name.startsWith('other-')),
      'it did not wait for the pod',
    );
    assert.match(dev.lines.at(-1) ?? '', /left: t-failures in t-failures on .*: `stormctl delete` removes it/);
    await restore();
    await kubectl(['delete', 'pods', '--all', '-n', project.namespace, '--force', '--grace-period=0']);
    assert.equal((await run('delete')).code, 0);
    assert.deepEqual(await leftIn(project.namespace), [`configmap/stormctl-${project.name}`]);
  });
});

const unpullable = `apiVersion: apps/v1
kind: Deployment
metadata: { name: nope }
spec:
  selector: { matchLabels: { app: nope } }
  template:
    metadata: { labels: { app: nope } }
    spec: { containers: [{ name: nope, image: localhost:5000/nope:1 }] }
`;

/** A second service beside hello, with a Dockerfile, a context and manifests of its own and nothing that is synced. */
async function addOther(project: HelloProject): Promise<void> {
  for (const path of ['Dockerfile', 'package.json', 'src'])
    await cp(join(project.folder, path), join(project.folder, 'other', path), { recursive: true });
  await project.edit('stormctl.yaml', '\ndeploy:', '  other:\n    build: other\n\ndeploy:');
  await project.write('.dockerignore', '**/*.md\nother\n');
  await project.write('k8s/other.yaml', (await project.read('k8s/hello.yaml')).replaceAll('hello', 'other'));
}

/** The processes of this machine whose command line holds a text; the lab's builds are among them. */
async function processesWith(text: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map(async (pid) => ({ pid, line: await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') })),
  );
  return lines.filter(({ line }) => line.includes(text)).map(({ pid }) => pid);
}
