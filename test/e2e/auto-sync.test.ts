import assert from 'node:assert/strict';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Cli, runCli } from '../support/cli.ts';
import { type HelloProject, helloProject } from '../support/hello-project.ts';
import { kubectl, lab } from '../support/lab.ts';
import { eventually, get, objectsIn } from '../support/outside.ts';

const env = { KUBECONFIG: lab.kubeconfig };

describe('sync: auto', { skip: lab.skip }, () => {
  let project: HelloProject;
  const why = (...paths: string[]) => runCli(['why', ...paths], { cwd: project.folder, env });

  before(async () => {
    project = await helloProject('t-auto-sync');
    await project.edit('stormctl.yaml', "sync:\n      - { from: 'src/**', to: /app/src }", 'sync: auto');
    await project.edit('Dockerfile', 'COPY package.json ./\n', 'COPY package.json ./\nRUN cp package.json made.json\n');
  });
  after(async () => {
    await kubectl(['delete', 'namespace', project.namespace, '--ignore-not-found', '--wait=false']);
    await project[Symbol.asyncDispose]();
  });

  test('a save is served by the pod that runs, a new file and a removed one are there too, and what a RUN uses rebuilds', async () => {
    await using dev = new Cli(['dev', '-o', 'json'], { cwd: project.folder, env });
    await dev.report('session.ready', () => true, { timeoutMs: 120_000 });
    const [pod] = await objectsIn(project.namespace, 'pods');
    const inPod = (command: string) =>
      kubectl(['exec', '-n', project.namespace, 'deployment/hello', '--', 'sh', '-c', command]);

    await project.write('src/greeting.txt', 'synced by itself\n');
    const synced = await dev.report('loop.decided', ({ action }) => action === 'sync');
    assert.deepEqual(
      [synced.service, synced.paths, synced.because],
      ['hello', ['src/greeting.txt'], 'Dockerfile:5 COPY --chown=node:node src ./src'],
    );
    await eventually(
      'the synced answer',
      () => get(project.url),
      (body) => body === 'synced by itself\n',
    );
    await mkdir(join(project.folder, 'src/new'));
    await project.write('src/new/file.txt', 'new');
    await eventually(
      'the new file',
      () => inPod('cat src/new/file.txt || true'),
      (text) => text === 'new',
    );
    await rm(join(project.folder, 'src/new/file.txt'));
    await eventually(
      'the removal',
      () => inPod('ls src/new'),
      (text) => text === '',
    );
    assert.equal((await objectsIn(project.namespace, 'pods'))[0]?.metadata.uid, pod?.metadata.uid);
    assert.equal(dev.reportsOf('build.started').length, 1);

    await project.edit('package.json', '1.0.0', '1.0.1');
    const rebuilt = await dev.report('loop.decided', ({ action }) => action === 'rebuild');
    assert.equal(
      rebuilt.because,
      'Dockerfile:4 RUN cp package.json made.json runs after Dockerfile:3 COPY package.json ./',
    );
    await dev.report('loop.rebuilt', () => true, { timeoutMs: 90_000 });
    // kubectl may choose the pod that is on its way out.
    await eventually(
      'what the RUN made',
      () => inPod('cat made.json'),
      (text) => text.includes('1.0.1'),
    );
    dev.kill('SIGINT');
    assert.equal((await dev.ended).code, 130, dev.stderr);
  });

  test('why says the same beforehand, and a rule that matches nothing is told at the start with its place', async () => {
    const said = await why('src/any.txt', 'package.json', 'README.md');
    assert.match(said.text, /src\/any\.txt: hello sync Dockerfile:5 COPY/);
    assert.match(said.text, /package\.json: hello rebuild Dockerfile:4 RUN cp/);
    assert.match(said.text, /README\.md: .*ignore /);
    await project.edit('stormctl.yaml', 'sync: auto', "sync: [{ from: 'scr/**', to: /app/src }, auto]");
    await using dev = new Cli(['dev', '-o', 'json'], { cwd: project.folder, env });
    const warning = await dev.report('warning', ({ text }) => text.includes('scr/**'), { timeoutMs: 120_000 });
    assert.match(warning.text, /^stormctl\.yaml:\d+:\d+: the sync rule scr\/\*\* matches no file$/);
    assert.match(warning.next ?? '', /relative to the build context, which is \.;/);
    dev.kill('SIGINT');
    await dev.ended;
  });
});
