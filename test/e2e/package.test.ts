import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { run } from '../../src/lib/process.ts';
import { type HelloProject, helloProject } from '../support/hello-project.ts';

/** What a user installs: the tarball, in a folder of its own, with nothing of this checkout in reach. */
describe('the packed and installed stormctl', () => {
  let prefix = '';
  let project: HelloProject;
  const stormctl = async (...args: string[]) => {
    const env = { PATH: process.env['PATH'], HOME: prefix };
    const { exitCode, stdout, stderr } = await run(join(prefix, 'bin/stormctl'), args, { cwd: project.folder, env });
    return { exitCode, stdout: stdout.toString('utf8'), stderr };
  };

  before(async () => {
    prefix = await mkdtemp(join(tmpdir(), 'stormctl-installed-'));
    project = await helloProject('t-package');
    // The tests have built dist/ already; packing must not build it under the feet of another test.
    await npm('pack', '--ignore-scripts', '--pack-destination', prefix);
    await npm(
      'install',
      '--global',
      '--offline',
      '--no-audit',
      '--no-fund',
      '--prefix',
      prefix,
      join(prefix, 'stormctl-0.1.0.tgz'),
    );
  });
  after(async () => {
    await rm(prefix, { recursive: true, force: true });
    await project[Symbol.asyncDispose]();
  });

  test('answers --version and --help', async () => {
    assert.match((await stormctl('--version')).stdout, /^stormctl\/0\.1\.0 /);
    const { stdout, exitCode } = await stormctl('--help');
    assert.equal(exitCode, 0);
    for (const command of ['dev', 'run', 'logs', 'delete', 'build', 'deploy', 'render', 'init', 'why', 'cluster'])
      assert.match(stdout, new RegExp(`^  ${command} `, 'm'));
  });

  test('brings nothing but itself', async () => {
    await assert.rejects(stat(join(prefix, 'lib/node_modules/stormctl/node_modules')), { code: 'ENOENT' });
  });

  test('says what a save would do, and why', async () => {
    const why = await stormctl(
      'why',
      'src/server.js',
      'package.json',
      'README.md',
      'k8s/hello.yaml',
      'stormctl.yaml',
      '../x',
    );
    assert.deepEqual([why.exitCode, why.stderr], [0, '']);
    assert.deepEqual(
      why.stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ').slice(0, 3).join(' ')),
      [
        'src/server.js: hello sync',
        'package.json: hello rebuild',
        'README.md: hello ignore',
        'k8s/hello.yaml: redeploy the',
        'stormctl.yaml: reload it',
        '../x: ignore no',
      ],
    );
    assert.match(why.stdout, /src\/\*\* → \/app\/src \(stormctl\.yaml:11:9\)/);
    assert.match(why.stdout, /Dockerfile:3 COPY package\.json/);
  });

  test('renders a project, and writes a config for a tree that has none', async () => {
    const rendered = await stormctl('render');
    assert.equal(rendered.exitCode, 0, rendered.stderr);
    assert.match(rendered.stdout, /kind: Deployment[\s\S]*stormctl\.dev\/project: t-package/);
    await rm(join(project.folder, 'stormctl.yaml'));
    const init = await stormctl('init');
    assert.equal(init.exitCode, 0, init.stderr);
    assert.equal((await stormctl('render')).exitCode, 0, 'what init writes is a config that loads');
  });
});

async function npm(...args: string[]): Promise<void> {
  const { exitCode, stderr } = await run('npm', args, { cwd: resolve('.') });
  assert.equal(exitCode, 0, stderr);
}
