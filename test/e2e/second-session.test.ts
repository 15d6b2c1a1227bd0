import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Cli, runCli } from '../support/cli.ts';
import { type HelloProject, helloProject } from '../support/hello-project.ts';
import { kubectl, lab } from '../support/lab.ts';
import { eventually, get } from '../support/outside.ts';

describe('a second session', { skip: lab.skip }, () => {
  let project: HelloProject;
  const dev = () => new Cli(['dev', '-o', 'json'], { cwd: project.folder, env: { KUBECONFIG: lab.kubeconfig } });
  const end = async (session: Cli) => {
    session.kill('SIGINT');
    assert.equal((await session.ended).code, 130, session.stderr);
  };
  const serves = (text: string) =>
    eventually(
      text,
      () => get(project.url),
      (body) => body === text,
    );

  before(async () => {
    project = await helloProject('t-second');
  });
  after(async () => {
    await kubectl(['delete', 'namespace', project.namespace, '--ignore-not-found', '--wait=false']);
    await project[Symbol.asyncDispose]();
  });

  const leases = () => kubectl(['get', 'leases', '-n', project.namespace, '-o', 'name']);

  test('is refused while the first one runs, and so is what would write beside it; nothing is left of the hold', async () => {
    await using first = dev();
    await first.report('session.ready', () => true, { timeoutMs: 120_000 });
    assert.equal(await leases(), 'lease.coordination.k8s.io/stormctl-t-second\n');
    const held = new RegExp(`t-second in t-second is held by .*@.* \\(stormctl dev, pid ${first.pid}\\)`);
    for (const command of ['dev', 'run', 'delete']) {
      const env = { KUBECONFIG: lab.kubeconfig };
      const second = await runCli([command, '-o', 'json'], { cwd: project.folder, env });
      assert.equal(second.code, 7, second.text);
      const { errors } = JSON.parse(second.lines.at(-1) ?? '') as { errors: { message: string; next: string }[] };
      assert.match(errors[0]?.message ?? '', held);
      assert.match(errors[0]?.next ?? '', new RegExp(`kill ${first.pid}`));
    }
    assert.equal(await get(project.url).then(({ length }) => length > 0), true);
    await end(first);
    assert.equal(await leases(), '');
  });

  for (const onExit of ['delete', 'keep'])
    test(`syncs what was saved between the sessions instead of building it (onExit: ${onExit})`, async () => {
      await project.write('stormctl.yaml', `${await project.read('stormctl.yaml')}\nonExit: ${onExit}\n`);
      const mark = `${onExit} ${Date.now()}`;
      await project.write('package.json', `{ "type": "module", "version": "${mark}" }\n`);
      await project.write('src/old.txt', 'old\n');
      await project.write('src/greeting.txt', 'as it was built\n');
      {
        await using first = dev();
        await first.report('session.ready', () => true, { timeoutMs: 120_000 });
        await serves('as it was built\n');
        await end(first);
      }
      await project.write('src/greeting.txt', `${mark}\n`);
      await rm(join(project.folder, 'src/old.txt'));
      await using second = dev();
      await second.report('note', ({ text }) => text.startsWith('2 files differ from its last image'));
      await second.report('session.ready', () => true, { timeoutMs: 120_000 });
      assert.equal((await second.report('sync.done')).files, 2);
      await serves(`${mark}\n`);
      const ls = await kubectl(['exec', '-n', project.namespace, 'deploy/hello', '--', 'ls', 'src']);
      assert.doesNotMatch(ls, /old\.txt/);
      assert.deepEqual(second.reportsOf('build.started'), []);
      // What only a build brings still does.
      await project.write('package.json', `{ "type": "module", "version": "${mark}!" }\n`);
      await second.report('loop.rebuilt', () => true, { timeoutMs: 90_000 });
      await serves(`${mark}\n`);
      await end(second);
      await project.edit('stormctl.yaml', `\nonExit: ${onExit}\n`, '');
    });

  test('takes back, in the container that runs on, what was taken back in the tree while no session ran', async () => {
    await project.write('stormctl.yaml', `${await project.read('stormctl.yaml')}\nonExit: keep\n`);
    // What only a build brings, so that the image holds the greeting.
    await project.write('package.json', `{ "type": "module", "version": "${Date.now()}" }\n`);
    await project.write('src/greeting.txt', 'as it was built\n');
    {
      await using first = dev();
      await first.report('session.ready', () => true, { timeoutMs: 120_000 });
      await project.write('src/greeting.txt', 'synced\n');
      await serves('synced\n');
      await first.report('sync.done');
      first.kill('SIGKILL');
      await first.ended;
    }
    await project.write('src/greeting.txt', 'as it was built\n');
    await using second = dev();
    await second.report('note', ({ text }) => /took t-second over from .*: its process has ended/.test(text));
    await second.report('session.ready', () => true, { timeoutMs: 120_000 });
    await serves('as it was built\n');
    assert.deepEqual(second.reportsOf('build.started'), []);
    await end(second);
    assert.equal(await leases(), '');
  });
});
