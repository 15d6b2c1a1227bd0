import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { run } from '../../src/lib/process.ts';
import { type HelloProject, helloProject } from '../support/hello-project.ts';
import { lab } from '../support/lab.ts';

/** What a user installs: the tarball, in a folder of its own, with nothing of this checkout in reach. */
describe('the packed and installed stormctl', () => {
  let prefix = '';
  let project: HelloProject;
  const stormctl = (...args: string[]) => stormctlWith({}, ...args);
  const stormctlWith = async (more: NodeJS.ProcessEnv, ...args: string[]) => {
    const env = { PATH: process.env['PATH'], HOME: prefix, ...more };
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

  test('takes flags before the command, and help before its name', async () => {
    const help = await stormctl('cluster', 'create', '--help');
    assert.match(help.stdout, /cluster create/);
    assert.deepEqual(await stormctl('help', 'cluster', 'create'), help);
    const { exitCode, stderr } = await stormctl('--namespace', 'Bad_NS', 'status');
    assert.deepEqual([exitCode, stderr.split('\n')[0]], [2, "✗ Bad_NS can be no namespace's name"]);
  });

  test('loads no command that is not asked for', async () => {
    const dev = join(prefix, 'lib/node_modules/stormctl/dist/commands/dev.js');
    const whole = await readFile(dev);
    await writeFile(dev, "throw new Error('dev was loaded');");
    try {
      for (const asked of ['--version', '--help'])
        assert.deepEqual({ ...(await stormctl(asked)), stdout: '' }, { exitCode: 0, stdout: '', stderr: '' });
      assert.equal((await stormctl('why', 'README.md')).exitCode, 0);
    } finally {
      await writeFile(dev, whole);
    }
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

  test('reaches a cluster through the proxy that its kubeconfig names', { skip: lab.skip }, async () => {
    const tunnels: string[] = [];
    const proxy = createServer().on('connect', (request: IncomingMessage, client: Socket) => {
      tunnels.push(request.url ?? '');
      const [host, port] = (request.url ?? '').split(':');
      const server = connect(Number(port), host, () => client.write('HTTP/1.1 200 OK\r\n\r\n'));
      client.pipe(server).pipe(client);
      client.on('error', () => server.destroy());
      server.on('error', () => client.destroy());
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const file = join(prefix, 'through-proxy');
    const through = `$&\n    proxy-url: http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    await writeFile(file, (await readFile(lab.kubeconfig, 'utf8')).replace(/server: .*/, through));
    // Behind a proxy no cluster counts as local.
    const named = join(project.folder, 'named.yaml');
    const config = await readFile(join(project.folder, 'stormctl.yaml'), 'utf8');
    await writeFile(named, config.replace(/^cluster:/m, `$&\n  context: ${lab.context}`));
    const diff = await stormctlWith({ KUBECONFIG: file }, 'diff', '--no-build', '-f', named);
    proxy.close();
    assert.equal(diff.exitCode, 1, diff.stderr);
    assert.match(diff.stdout, /deployment\/hello/);
    assert.ok(tunnels.length > 0);
  });

  test('renders a project, and writes a config for a tree that has none', async () => {
    const rendered = await stormctl('render', '--no-build');
    assert.equal(rendered.exitCode, 0, rendered.stderr);
    assert.match(rendered.stdout, /kind: Deployment[\s\S]*stormctl\.dev\/project: t-package/);
    await rm(join(project.folder, 'stormctl.yaml'));
    const init = await stormctl('init');
    assert.equal(init.exitCode, 0, init.stderr);
    assert.equal((await stormctl('render', '--no-build')).exitCode, 0, 'what init writes is a config that loads');
  });
});

async function npm(...args: string[]): Promise<void> {
  const { exitCode, stderr } = await run('npm', args, { cwd: resolve('.') });
  assert.equal(exitCode, 0, stderr);
}
