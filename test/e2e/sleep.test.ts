import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { Cli } from '../support/cli.ts';
import { openClusterDoor } from '../support/cluster-door.ts';
import { type HelloProject, helloProject } from '../support/hello-project.ts';
import { kubectl, lab } from '../support/lab.ts';
import { eventually, get, objectsIn } from '../support/outside.ts';

/** What stands still for 12 s of the clock counts as asleep. */
const sleepMs = 13_000;

describe('a machine that slept', { skip: lab.skip }, () => {
  let project: HelloProject;

  before(async () => {
    project = await helloProject('t-sleep');
  });
  after(async () => {
    await kubectl(['delete', 'namespace', project.namespace, '--ignore-not-found', '--wait=false']);
    await project[Symbol.asyncDispose]();
  });

  test('has connections that nobody answers, and an edit reaches the pod that came meanwhile all the same', async () => {
    const { door, env, ...rest } = await openClusterDoor();
    await using _ = rest;
    await using dev = new Cli(['dev', '-o', 'json'], { cwd: project.folder, env });
    await dev.report('session.ready', () => true, { timeoutMs: 120_000 });
    await project.write('src/greeting.txt', 'before\n');
    await dev.report('sync.done');

    // Stopped, with a clock that goes on and connections that are dead and say nothing: what a lid does.
    door.freeze();
    dev.kill('SIGSTOP');
    const slept = delay(sleepMs);
    await kubectl(['delete', 'pods', '--all', '-n', project.namespace, '--wait=true']);
    await project.write('src/greeting.txt', 'after\n');
    await slept;
    dev.kill('SIGCONT');
    // Sooner than by the silence alone, which is trusted for 75 s.
    await eventually(
      'the answer of the new pod',
      () => get(project.url),
      (body) => body === 'after\n',
      60_000,
    );
    assert.equal((await objectsIn(project.namespace, 'pods')).length, 1);
    await project.write('src/greeting.txt', 'quick again\n');
    await eventually(
      'the next answer',
      () => get(project.url),
      (body) => body === 'quick again\n',
    );
    assert.deepEqual(dev.reportsOf('failed'), []);
    dev.kill('SIGINT');
    assert.equal((await dev.ended).code, 130, dev.stderr);
  });
});
