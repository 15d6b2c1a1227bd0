import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cli } from '../support/cli.ts';
import { type HelloProject, helloProject } from '../support/hello-project.ts';
import { kubectl, lab } from '../support/lab.ts';
import { eventually, get } from '../support/outside.ts';

describe('a namespace that somebody deletes during dev', { skip: lab.skip }, () => {
  let project: HelloProject;

  before(async () => {
    project = await helloProject('t-namespace-returns');
  });
  after(async () => {
    await kubectl(['delete', 'namespace', project.namespace, '--ignore-not-found', '--wait=false']);
    await project[Symbol.asyncDispose]();
  });

  test('comes back by itself, with what was synced, its port and its logs', async () => {
    await using dev = new Cli(['dev', '-o', 'json'], { cwd: project.folder, env: { KUBECONFIG: lab.kubeconfig } });
    await dev.report('session.ready');
    await project.write('src/greeting.txt', 'synced\n');
    await dev.report('sync.done');
    const listens = () => dev.reportsOf('log').filter(({ line }) => line === 'hello listens on 8080').length;
    await dev.until('its first line', () => listens() === 1);
    await kubectl(['delete', 'namespace', project.namespace, '--timeout=120s']);
    await eventually(
      'the answer from the new pod',
      () => get(project.url),
      (body) => body === 'synced\n',
      60_000,
    );
    await dev.until('the log of the new pod', () => listens() === 2, 30_000);
    assert.match(
      dev.reportsOf('warning')[0]?.text ?? '',
      /^namespace\/t-namespace-returns was deleted by somebody else/,
    );
    assert.ok(dev.reportsOf('build.started').length <= 1, 'nothing is built again');
    dev.kill('SIGINT');
    assert.equal((await dev.ended).code, 130, dev.stderr);
  });
});
