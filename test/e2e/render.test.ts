import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runCli } from '../support/cli.ts';
import { type HelloProject, helloProject } from '../support/hello-project.ts';
import { kubectl, lab } from '../support/lab.ts';
import { Pty } from '../support/pty.ts';

const env = { KUBECONFIG: lab.kubeconfig };
const secret = `apiVersion: v1
kind: Secret
metadata: { name: hello }
stringData: { password: hunter22hunter }
`;

describe('render', { skip: lab.skip }, () => {
  let project: HelloProject;
  const run = (args: readonly string[], more = {}) => runCli(args, { cwd: project.folder, env: { ...env, ...more } });

  before(async () => {
    project = await helloProject('t-render-e2e');
    await project.write('k8s/secret.yaml', secret);
  });
  after(async () => {
    await kubectl(['delete', 'namespace', project.namespace, '--ignore-not-found', '--wait=false']);
    await project[Symbol.asyncDispose]();
  });

  test('prints what run applies, pinned, and builds once what it needs for that', async () => {
    const first = await run(['render']);
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stderr, /hello built in /);
    assert.match(first.text, /^apiVersion: apps\/v1\nkind: Deployment\n/, 'nothing but YAML is on standard output');
    assert.match(first.text, / image: \S+hello:stormctl-[0-9a-f]{12}@sha256:[0-9a-f]{64}\n/);
    assert.match(first.text, / password: hunter22hunter/);

    assert.equal((await run(['run'])).code, 0);
    const second = await run(['render']);
    assert.doesNotMatch(second.stderr, /hello built in /);
    assert.equal(second.text, first.text);
    // What differed from the cluster would be printed, and be a failure.
    const differences = await kubectl(['diff', '--server-side', '--field-manager=stormctl', '-f', '-'], second.text);
    assert.equal(differences, '');
  });

  test('without a build leaves images as they are, and needs no cluster', async () => {
    const rendered = await run(['render', '--no-build'], {
      KUBECONFIG: '/nonexistent',
      DOCKER_HOST: 'unix:///nonexistent',
    });
    assert.equal(rendered.code, 0, rendered.stderr);
    assert.match(rendered.text, / image: hello\n/);
    assert.equal(rendered.stderr, 'not pinned, as the manifests have them: hello\n');
  });

  test('writes a file for its owner alone, whole or not at all', async () => {
    const path = join(project.folder, 'out.yaml');
    await writeFile(path, 'before', { mode: 0o644 });
    const before = await readdir(project.folder);
    await project.edit('k8s/hello.yaml', 'kind: Service', 'kind: [Service');
    const broken = await run(['render', '--no-build', '--to', 'out.yaml']);
    await project.edit('k8s/hello.yaml', 'kind: [Service', 'kind: Service');
    assert.equal(broken.code, 2);
    assert.match(broken.stderr, /k8s\/hello\.yaml:\d+:\d+/);
    assert.deepEqual([await readFile(path, 'utf8'), await readdir(project.folder)], ['before', before]);

    const written = await run(['render', '--no-build', '--to', 'out.yaml']);
    assert.deepEqual([written.code, written.text], [0, '4 objects in out.yaml']);
    assert.match(await readFile(path, 'utf8'), / password: hunter22hunter/);
    assert.equal((await stat(path)).mode & 0o777, 0o600);

    const nowhere = await run(['render', '--to', 'absent/out.yaml']);
    assert.deepEqual([nowhere.code, nowhere.stderr.split('\n')[0]], [2, '✗ there is no folder absent']);
  });

  for (const [args, shown] of [
    [[], '<masked, 14 bytes>'],
    [['--show-secrets'], 'hunter22hunter'],
  ] as const)
    test(`on a terminal ${['render', ...args].join(' ')} shows a Secret as ${shown}`, async () => {
      const file = join(project.folder, 'stormctl.yaml');
      const command = [process.execPath, 'bin/stormctl.js', 'render', '--no-build', '--file', file, ...args];
      await using pty = new Pty(command, { columns: 120, rows: 40, env });
      await pty.ended();
      assert.match(pty.output, new RegExp(`password: "?${shown}`));
    });
});
