import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Cli, runCli } from '../support/cli.ts';
import { helloProject } from '../support/hello-project.ts';
import { kubectl, lab } from '../support/lab.ts';
import { eventually } from '../support/outside.ts';
import { readArchive } from '../unit/archive/read-archive.ts';

const crashing = `apiVersion: v1
kind: Secret
metadata: { name: creds }
stringData: { password: swordfish-1234 }
---
apiVersion: v1
kind: Pod
metadata: { name: crash }
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: crash
      image: node:20-alpine
      imagePullPolicy: IfNotPresent
      env: [{ name: PASSWORD, valueFrom: { secretKeyRef: { name: creds, key: password } } }]
      command: [sh, -c, 'echo "with $PASSWORD"; exit 3']
`;

test('a session leaves a summary, its logs and an archive for a bug report', { skip: lab.skip }, async () => {
  await using project = await helloProject('t-record-e2e');
  const env = { KUBECONFIG: lab.kubeconfig };
  await project.write('k8s/crash.yaml', crashing);
  try {
    await using dev = new Cli(['dev', '-o', 'json'], { cwd: project.folder, env });
    await dev.report('log', ({ line }) => line === 'hello listens on 8080', { timeoutMs: 90_000 });
    await dev.report('log', ({ source, line }) => source === 'crash' && line === 'with ***');

    const file = join(project.folder, '..', `${project.name}-${process.pid}.tar.gz`);
    const collect = async () => {
      const archive = await runCli(['logs', '--archive', file, '--yes', '-o', 'json'], { cwd: project.folder, env });
      assert.equal(archive.code, 0, archive.stderr);
      const files = await readArchive(file);
      await rm(file);
      return files;
    };
    // A run of it that has just begun has said nothing yet.
    const files = await eventually(
      'what a run said',
      collect,
      (found) => found[`logs/${project.namespace}/crash/crash.log`] !== '',
    );
    assert.equal(JSON.stringify(files).includes('swordfish'), false);
    assert.match(files[`logs/${project.namespace}/crash/crash.log`] ?? '', /^\S+Z with \*\*\*\n/);
    for (const name of [
      'objects/t-record-e2e/pod/crash.yaml',
      'events/t-record-e2e.txt',
      'nodes.yaml',
      'manifests.yaml',
    ])
      assert.ok(name in files, `${name} in ${Object.keys(files).join(' ')}`);

    dev.kill('SIGTERM');
    assert.equal((await dev.ended).code, 143);
    const [summary] = dev.reportsOf('session.summary');
    assert.ok(summary && summary.deleted >= 5 && summary.logLines >= 2, JSON.stringify(summary));

    const nobody = { KUBECONFIG: join(project.folder, 'none') };
    const history = await runCli(['logs', '--history', '-o', 'json'], { cwd: project.folder, env: nobody });
    assert.equal(history.code, 0, history.stderr);
    const linesOf = (cli: Cli) =>
      cli
        .reportsOf('log')
        .map(({ pod, stamp, line }) => `${stamp} ${pod} ${line}`)
        .sort();
    assert.deepEqual(linesOf(history), linesOf(dev), 'what was told is what is kept');
  } finally {
    await kubectl(['delete', 'namespace', project.namespace, '--ignore-not-found', '--wait=false']);
  }
});
