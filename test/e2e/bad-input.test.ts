import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runCli } from '../support/cli.ts';
import { type HelloProject, helloProject } from '../support/hello-project.ts';
import { kubectl, lab } from '../support/lab.ts';
import { listens } from '../support/outside.ts';

/** One mistake, and what a person is told of it. */
interface Mistake {
  readonly what: string;
  /** Default: dev. */
  readonly args?: readonly string[];
  readonly prepare?: (project: HelloProject) => Promise<void> | void;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly code: number;
  readonly message: RegExp;
  readonly where?: RegExp;
  readonly detail?: RegExp;
  readonly next: RegExp;
}

interface Told {
  readonly version: number;
  readonly ok: false;
  readonly exitCode: number;
  readonly errors: readonly { kind: string; message: string; where?: string; detail?: string; next?: string }[];
}

const name = 't-bad-input';

/** Runs the mistake twice, for people and for programs, and expects the same of both, and nothing else said. */
async function expectMistake(mistake: Mistake): Promise<void> {
  await using project = await helloProject(name);
  await mistake.prepare?.(project);
  const args = mistake.args ?? ['dev'];
  const options = { cwd: project.folder, env: { KUBECONFIG: lab.kubeconfig, ...mistake.env } };
  // One after the other: both open the same local port, if they come that far.
  const people = await runCli(args, options);
  const programs = await runCli([...args, '-o', 'json'], options);
  assert.deepEqual([people.code, programs.code], [mistake.code, mistake.code], people.stderr);

  assert.deepEqual(people.lines, [], 'nothing is said on standard output');
  const [headline = '', ...more] = people.stderr.trimEnd().split('\n');
  assert.match(headline, /^✗ /);
  assert.match(headline, mistake.message);
  assert.ok(more.every((line) => /^ {2}(at|│|→)( |$)/.test(line)) && more.at(-1)?.startsWith('  → '), people.stderr);
  if (mistake.where) assert.match(more.find((line) => line.startsWith('  at ')) ?? '', mistake.where);

  assert.equal(programs.stderr, '');
  // Before it `dev` has said on which ports it listens.
  const last = programs.lines.at(-1) ?? '';
  assert.equal(programs.lines.length, 1 + programs.reportsOf('forward.listening').length, programs.text);
  const { ok, exitCode, errors } = JSON.parse(last) as Told;
  assert.deepEqual([ok, exitCode, errors.length], [false, mistake.code, 1]);
  const [error] = errors;
  assert.match(error?.message ?? '', mistake.message);
  if (mistake.where) assert.match(error?.where ?? '', mistake.where);
  if (mistake.detail) assert.match(error?.detail ?? '', mistake.detail);
  assert.match(error?.next ?? '', mistake.next);
  assert.equal(await listens(project.port), false, 'no listener is left');
}

const checks = (mistakes: readonly Mistake[]) => {
  for (const mistake of mistakes) test(`${mistake.what}: exit code ${mistake.code}`, () => expectMistake(mistake));
};

describe('a command line that can not be meant so', { concurrency: 4 }, () => {
  checks([
    {
      what: 'an unknown flag',
      args: ['dev', '--nope'],
      code: 2,
      message: /there is no flag --nope$/,
      next: /^stormctl dev --help$/,
    },
    {
      what: 'an unknown command',
      args: ['dve'],
      code: 2,
      message: /there is no command dve$/,
      next: /did you mean stormctl dev\?/,
    },
    {
      what: 'an unknown command of a topic',
      args: ['cluster', 'creat'],
      code: 2,
      message: /there is no command cluster creat$/,
      next: /did you mean stormctl cluster create\?/,
    },
    {
      what: 'an argument that the command does not take',
      args: ['delete', 'hello'],
      code: 2,
      message: /delete takes no arguments: hello$/,
      next: /^stormctl delete --help$/,
    },
    {
      what: 'a flag without its value',
      args: ['run', '--timeout'],
      code: 2,
      message: /--timeout/,
      next: /^stormctl run --help$/,
    },
    {
      what: 'a timeout that is no duration',
      args: ['dev', '--timeout', '5x'],
      code: 2,
      message: /--timeout 5x is no duration$/,
      next: /90s, 5m or 1h/,
    },
    {
      what: 'an environment that the config does not have',
      args: ['dev', '-e', 'staging'],
      code: 2,
      message: /there is no environment staging$/,
      where: /stormctl\.yaml:1:1/,
      next: /environments/,
    },
  ]);
});

describe('a project that can not be meant so', { concurrency: 4 }, () => {
  checks([
    {
      what: 'no config',
      prepare: ({ folder }) => rm(join(folder, 'stormctl.yaml')),
      code: 2,
      message: /there is no stormctl\.yaml here or in a folder above$/,
      where: /stormctl-t-bad-input/,
      next: /stormctl init/,
    },
    {
      what: 'a named config that is not there',
      args: ['dev', '-f', 'nope.yaml'],
      code: 2,
      message: /there is no file nope\.yaml$/,
      next: /stormctl init/,
    },
    {
      what: 'broken YAML, with a tab',
      prepare: (project) => project.edit('stormctl.yaml', '  hello:\n    build: .', '  hello:\n  \tbuild: ['),
      code: 2,
      message: /broken YAML: /,
      where: /stormctl\.yaml:9:\d+$/,
      detail: /\^/,
      next: /./,
    },
    {
      what: 'an unknown key',
      prepare: (project) => project.edit('stormctl.yaml', '    sync:', '    snyc:'),
      code: 2,
      message: /unknown key snyc in services\.hello$/,
      where: /stormctl\.yaml:10:5$/,
      detail: / {4}snyc:\n {4}\^/,
      next: /did you mean sync\?/,
    },
    {
      what: 'a missing Dockerfile',
      prepare: ({ folder }) => rm(join(folder, 'Dockerfile')),
      code: 2,
      message: /services\.hello\.build: there is no file Dockerfile$/,
      where: /stormctl\.yaml:9:12$/,
      next: /dockerfile:/,
    },
    {
      what: 'a Dockerfile with an instruction that there is not',
      prepare: (project) => project.edit('Dockerfile', 'USER node', 'USR node'),
      code: 2,
      message: /USR/,
      where: /Dockerfile:5/,
      next: /did you mean USER\?/,
    },
    {
      what: 'a service whose image no manifest uses',
      prepare: (project) => project.edit('k8s/hello.yaml', 'image: hello', 'image: helo'),
      code: 2,
      message: /service hello: no manifest uses the image hello$/,
      where: /stormctl\.yaml:8:3$/,
      next: /did you mean helo\?/,
    },
    {
      what: 'a manifest that is broken YAML',
      prepare: (project) => project.edit('k8s/hello.yaml', 'kind: Service', 'kind: [Service'),
      code: 2,
      message: /YAML/,
      where: /k8s\/hello\.yaml:\d+:\d+$/,
      next: /./,
    },
    {
      what: 'a SERVICE that nothing has, in dev',
      args: ['dev', 'helo'],
      code: 2,
      message: /there is no service or workload helo$/,
      next: /did you mean hello\?/,
    },
    {
      what: 'a SERVICE that nothing has, in run',
      args: ['run', 'gateway'],
      code: 2,
      message: /there is no service or workload gateway$/,
      next: /there are: hello$/,
    },
  ]);
});

describe('a machine that lacks something', { concurrency: 4 }, () => {
  let folder: string;
  let held: Server;
  let heldPort: number;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stormctl-bad-input-'));
    await symlink(process.execPath, join(folder, 'node'));
    held = createServer();
    heldPort = await portOf(held);
  });
  after(async () => {
    held.close();
    await rm(folder, { recursive: true });
  });

  test('neither kubectl nor kustomize: exit code 2', () =>
    expectMistake({
      what: '',
      prepare: async (project) => {
        await project.edit('stormctl.yaml', '- manifests: [k8s/*.yaml]', '- kustomize: k8s');
        await project.write('k8s/kustomization.yaml', 'resources: [hello.yaml]\n');
      },
      env: { PATH: folder },
      code: 2,
      message: /neither kustomize nor kubectl is on the PATH, and k8s needs one of them$/,
      where: /stormctl\.yaml:14:5$/,
      next: /install kubectl/,
    }));

  checks([
    {
      what: 'the socket that DOCKER_HOST names is not there',
      env: { DOCKER_HOST: 'unix:///nowhere/docker.sock', DOCKER_CONTEXT: undefined },
      code: 6,
      message: /can't reach the Docker engine at unix:\/\/\/nowhere\/docker\.sock: there is no such socket$/,
      detail: /chosen by DOCKER_HOST/,
      next: /start Docker, or name another engine/,
    },
    {
      what: 'nobody listens at the address that DOCKER_HOST names',
      args: ['build'],
      env: { DOCKER_HOST: 'tcp://127.0.0.1:1', DOCKER_CONTEXT: undefined },
      code: 6,
      message: /can't reach the Docker engine at tcp:\/\/127\.0\.0\.1:1: nobody listens there$/,
      detail: /chosen by DOCKER_HOST/,
      next: /start Docker, or name another engine/,
    },
    {
      what: 'a docker context that is not there',
      env: { DOCKER_HOST: undefined, DOCKER_CONTEXT: 'nowhere' },
      code: 6,
      message: /there is no docker context "nowhere", which DOCKER_CONTEXT names$/,
      next: /docker context ls/,
    },
  ]);

  test('a port that is taken is told with the process that has it: exit code 2', async () => {
    await using project = await helloProject(name);
    await project.edit('stormctl.yaml', `local: ${project.port}`, `local: ${heldPort}`);
    const { code, stderr } = await runCli(['dev'], { cwd: project.folder, env: { KUBECONFIG: lab.kubeconfig } });
    assert.equal(code, 2, stderr);
    assert.match(stderr, new RegExp(`^✗ port ${heldPort} is taken by \\S.* \\(pid ${process.pid}\\)\\n`));
    assert.match(stderr, /^ {2}at stormctl\.yaml:17:5$/m);
    assert.match(stderr, /service\/hello/);
    assert.match(stderr, /^ {2}→ stop that process, or give the forward another `local` port/m);
  });
});

describe('a cluster that is not the one', { skip: lab.skip, concurrency: 4 }, () => {
  let folder: string;
  let dead: string;
  let renamed: string;
  const edited = async (file: string, edit: (text: string) => string) => {
    const path = join(folder, file);
    await writeFile(path, edit(await readFile(lab.kubeconfig, 'utf8')), { mode: 0o600 });
    return path;
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stormctl-bad-input-'));
    dead = await edited('dead', (text) => text.replace(/server: .*/, 'server: https://127.0.0.1:1'));
    renamed = await edited('renamed', (text) => text.replaceAll(lab.context, 'k3d-another'));
    await mkdir(join(folder, 'empty'));
  });
  after(() => rm(folder, { recursive: true }));

  for (const args of [['dev'], ['run'], ['delete']]) {
    test(`a context that is neither local nor named is not even spoken to by ${args[0]}: exit code 7`, async () => {
      await using door = await countingDoor();
      const elsewhere = await edited(`elsewhere-${args[0]}`, farThrough(door.port));
      await expectMistake({
        what: '',
        args,
        env: { KUBECONFIG: elsewhere },
        code: 7,
        message:
          /\(https:\/\/192\.0\.2\.1:6443 by the proxy [^)]+\) is not a local cluster, and the config does not name it$/,
        where: /stormctl\.yaml/,
        next: /to allow it, set cluster\.context: /,
      });
      assert.equal(door.taken(), 0);
    });

    test(`a cluster where nobody listens ends ${args[0]}: exit code 6`, () =>
      expectMistake({
        what: '',
        args,
        env: { KUBECONFIG: dead },
        code: 6,
        message: /the cluster at https:\/\/127\.0\.0\.1:1 \(context .*\) refuses connections$/,
        next: /kubectl --context .* get --raw \/readyz/,
      }));
  }

  test('the far cluster would have been spoken to, had the config named it', async () => {
    await using door = await countingDoor();
    const elsewhere = await edited('elsewhere-named', farThrough(door.port));
    await using project = await helloProject(name);
    await project.edit('stormctl.yaml', 'cluster:', `cluster:\n  context: ${lab.context}`);
    const { code, stderr } = await runCli(['delete'], { cwd: project.folder, env: { KUBECONFIG: elsewhere } });
    assert.equal(code, 6, stderr);
    assert.ok(door.taken() > 0, stderr);
  });

  test('no kubeconfig: exit code 6', () =>
    expectMistake({
      what: '',
      env: { KUBECONFIG: join(folder, 'empty', 'none') },
      code: 6,
      message: /there is no kubeconfig, so no cluster to speak to$/,
      where: /empty\/none$/,
      next: /KUBECONFIG|stormctl cluster create/,
    }));

  test('a context of the command line that is not there: exit code 2', () =>
    expectMistake({
      what: '',
      args: ['dev', '--context', `${lab.context}x`],
      code: 2,
      message: new RegExp(`the kubeconfig has no context ${lab.context}x$`),
      next: new RegExp(`did you mean ${lab.context}\\?`),
    }));

  test('a context of the config that is not there: exit code 2', () =>
    expectMistake({
      what: '',
      prepare: (project) => project.edit('stormctl.yaml', 'cluster:', `cluster:\n  context: ${lab.context}`),
      env: { KUBECONFIG: renamed },
      code: 2,
      message: new RegExp(`the kubeconfig has no context ${lab.context}$`),
      detail: /k3d-another/,
      next: /--context|cluster\.context|did you mean/,
    }));

  test('--context can not lead to another cluster than the one that the config names: exit code 7', () =>
    expectMistake({
      what: '',
      args: ['dev', '--context', 'k3d-another'],
      prepare: (project) => project.edit('stormctl.yaml', 'cluster:', 'cluster:\n  context: k3d-named\n  create: {}'),
      env: { KUBECONFIG: renamed },
      code: 7,
      message: /this project writes to context k3d-named only, and context k3d-another is another one$/,
      where: /stormctl\.yaml/,
      next: /leave --context out/,
    }));

  test('nothing of all this is in the cluster', async () => {
    assert.equal(await kubectl(['get', 'namespace', name, '--ignore-not-found']), '');
  });
});

/** Moves the cluster to an address of documentation that is reached through a proxy alone. */
function farThrough(port: number): (kubeconfig: string) => string {
  const far = `server: https://192.0.2.1:6443\n    proxy-url: http://127.0.0.1:${port}`;
  return (kubeconfig) => kubeconfig.replace(/server: .*/, far);
}

/** A listener that counts who comes, and lets nobody in. */
async function countingDoor(): Promise<AsyncDisposable & { readonly port: number; readonly taken: () => number }> {
  let taken = 0;
  const server = createServer((socket) => {
    taken++;
    socket.destroy();
  });
  const port = await portOf(server);
  return {
    port,
    taken: () => taken,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
