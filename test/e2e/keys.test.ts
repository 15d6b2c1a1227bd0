import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { kubectl, lab } from '../support/lab.ts';
import { helloProject } from '../support/hello-project.ts';
import { eventually, get, leftIn } from '../support/outside.ts';
import { Pty } from '../support/pty.ts';

const skip = lab.skip || ((await Pty.isPossible()) ? false : 'python3 is not there');

test('a person at a narrow terminal sees each state, pauses, rebuilds, filters and quits', { skip }, async () => {
  await using project = await helloProject('t-keys');
  try {
    const file = resolve(project.folder, 'stormctl.yaml');
    await using pty = new Pty([process.execPath, resolve('bin/stormctl.js'), 'dev', '--file', file], {
      columns: 60,
      rows: 20,
      env: { KUBECONFIG: lab.kubeconfig, TERM: 'xterm', NO_COLOR: '1', FORCE_COLOR: undefined },
    });
    await pty.until(/hello (ready|synced) {2}\? help|hello (ready|synced) \d\d:\d\d:\d\d {2}\? help/, 120_000);
    await pty.until(/ready in /);

    pty.type('p');
    await pty.until(/paused {2}hello/);
    await project.write('src/greeting.txt', 'while paused\n');
    await pty.until(/paused, 1 changed {2}hello/);
    assert.equal(await get(project.url), 'hello, storm\n');
    pty.type('p');
    await eventually(
      'the synced answer',
      () => get(project.url),
      (body) => body === 'while paused\n',
    );
    await pty.until(/hello synced \d/);

    pty.type('/get /x\r');
    await pty.until(/only log lines that match/);
    await get(`${project.url}/xyz`);
    await pty.until(/GET \/xyz/);
    pty.type('/\r');
    await pty.until(/no filter/);

    await project.edit('package.json', '1.0.0', '1.0.1');
    await pty.until(/hello building/);
    await pty.until(/running the new image/, 90_000);
    pty.type('R');
    await pty.until(/hello restarted in/, 60_000);

    pty.type('q');
    const end = await pty.ended();
    assert.deepEqual(end, { code: 130, wasRaw: true, isRestored: true });
    assert.deepEqual(await leftIn(project.namespace), ['configmap/stormctl-t-keys'], 'the inventory of the namespace');
    const drawn = Array.from(pty.output.matchAll(/[^\r\n\p{Control}]*\? help/gu), ([line]) => line.replace(/^\[J/, ''));
    assert.ok(drawn.length > 0);
    for (const line of drawn) assert.ok(line.length < 60, line);
  } finally {
    await kubectl(['delete', 'namespace', project.namespace, '--ignore-not-found', '--wait=false']);
  }
});
