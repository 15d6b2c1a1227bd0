import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { run } from '../../src/lib/process.ts';
import { Cli, runCli } from '../support/cli.ts';
import { freePort, type HelloProject, helloProject } from '../support/hello-project.ts';
import { lab } from '../support/lab.ts';
import { eventually, get } from '../support/outside.ts';

const image = process.env['STORMCTL_K3S_IMAGE'] || 'rancher/k3s:v1.33.13-k3s1';
const names = ['t-one', 't-many', 't-create'] as const;
type Name = (typeof names)[number];

/** A hundredth of what examples/hello weighs: every node of these clusters has to take it in. */
const dockerfile = `FROM busybox
COPY src/greeting.txt /www/index.html
COPY src/greeting.txt /www/health
STOPSIGNAL SIGKILL
CMD ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"]
`;

/** Of a person who has another cluster, and notes. */
const kubeconfig = `# mine
apiVersion: v1
kind: Config
clusters:
- name: other # of the office
  cluster: {server: "https://other.invalid:6443"}
contexts:
- name: other
  context: {cluster: other, user: other}
users:
- name: other
  user: {}
current-context: other # this one
`;

interface SeenPod {
  readonly spec: {
    readonly nodeName: string;
    readonly containers: readonly { readonly image: string; readonly imagePullPolicy: string }[];
  };
}

describe('clusters on demand', { skip: lab.skip }, () => {
  let folder = '';
  const file = () => join(folder, 'config');
  const env = () => ({ KUBECONFIG: file(), STORMCTL_K3S_IMAGE: image, STORMCTL_K3S_REGISTRIES: undefined });
  const stormctl = (...args: string[]) => runCli(args, { cwd: folder, env: env() });
  const runIn = (project: HelloProject) => runCli(['run'], { cwd: project.folder, env: env() });

  /** What a test that failed, or a run that was killed, left of its clusters. */
  const clear = async () => {
    for (const name of names) if ((await left(name)).length > 0) await stormctl('cluster', 'delete', name);
    await writeFile(file(), kubeconfig, { mode: 0o644 });
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stormctl-cluster-'));
    await clear();
  });
  afterEach(clear);
  after(async () => {
    await rm(folder, { recursive: true });
  });

  async function docker(...args: readonly string[]): Promise<string> {
    const result = await run('docker', args);
    if (result.exitCode !== 0) throw new Error(`docker ${args.join(' ')}: ${result.stderr}`);
    return result.stdout.toString('utf8').trim();
  }

  async function kubectl(name: Name, ...args: readonly string[]): Promise<string> {
    const result = await run('kubectl', ['--kubeconfig', file(), '--context', `k3d-${name}`, ...args]);
    if (result.exitCode !== 0) throw new Error(`kubectl ${args.join(' ')}: ${result.stderr}`);
    return result.stdout.toString('utf8').trim();
  }

  /** The project's running pods, without those that an update is ending. */
  async function pods(name: Name, project: HelloProject): Promise<readonly SeenPod[]> {
    const selector = ['-l', 'app=hello', '--field-selector', 'status.phase=Running'];
    const { items } = JSON.parse(
      await kubectl(name, 'get', 'pods', '-n', project.namespace, ...selector, '-o', 'json'),
    ) as {
      items: (SeenPod & { metadata: { deletionTimestamp?: string } })[];
    };
    return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  /** What the engine still has of a cluster. */
  async function left(name: Name): Promise<readonly string[]> {
    const found = [
      await docker('ps', '-a', '--filter', `label=k3d.cluster=${name}`, '--format', '{{.Names}}'),
      await docker('network', 'ls', '--filter', `name=^k3d-${name}`, '--format', '{{.Name}}'),
      await docker('volume', 'ls', '--filter', `name=^k3d-${name}`, '--format', '{{.Name}}'),
    ];
    return found.filter((text) => text !== '');
  }

  async function assertNothing(name: Name): Promise<void> {
    assert.deepEqual(await left(name), []);
    assert.doesNotMatch(await readFile(file(), 'utf8'), new RegExp(`k3d-${name}`));
    assert.equal(await registryState(), 'running');
  }

  const registry = async () =>
    (await docker('ps', '--filter', 'publish=5000', '--format', '{{.Names}}')).split('\n')[0] ?? '';
  const registryState = async () => docker('inspect', '--format', '{{.State.Status}}', await registry());
  const registryNetworks = async () =>
    docker('inspect', '--format', '{{json .NetworkSettings.Networks}}', await registry());

  /** A scratch copy of examples/hello for one of these clusters, with a small image. */
  async function projectOn(name: Name, cluster = ''): Promise<HelloProject> {
    const project = await helloProject(`${name}-hello`);
    await project.write('Dockerfile', dockerfile);
    await project.edit('stormctl.yaml', 'cluster:\n', `cluster:\n  context: k3d-${name}\n${cluster}`);
    return project;
  }

  test('one is made as k3d would have made it, pulls from the registry that is there, and takes images without one', async () => {
    const port = await freePort();
    const created = await stormctl('cluster', 'create', 't-one', '--port', `${port}:30080`);
    assert.equal(created.code, 0, created.text + created.stderr);
    for (const step of [
      /network k3d-t-one/,
      /registry \S+ at localhost:5000/,
      /node \S+ is up after/,
      /takes pods after/,
    ])
      assert.match(created.text, step);

    assert.match(await kubectl('t-one', 'get', 'nodes'), /^k3d-t-one-server-0 /m);
    const text = await readFile(file(), 'utf8');
    for (const kept of ['# mine', '# of the office', 'current-context: other # this one'])
      assert.ok(text.includes(kept), kept);
    assert.equal(((await stat(file())).mode & 0o777).toString(8), '600');
    assert.equal(await docker('network', 'inspect', 'k3d-t-one', '--format', '{{.Name}}'), 'k3d-t-one');
    const labels = JSON.parse(
      await docker('inspect', 'k3d-t-one-server-0', '--format', '{{json .Config.Labels}}'),
    ) as Record<string, string>;
    assert.deepEqual(
      ['app', 'k3d.cluster', 'k3d.role', 'k3d.cluster.network', 'k3d.cluster.imageVolume'].map((key) => labels[key]),
      ['k3d', 't-one', 'server', 'k3d-t-one', 'k3d-t-one-images'],
    );
    const hosting = await kubectl(
      't-one',
      'get',
      '-n',
      'kube-public',
      'configmap/local-registry-hosting',
      '-o',
      'yaml',
    );
    assert.match(hosting, /host: "?localhost:5000/);
    assert.ok(hosting.includes(`${await registry()}:5000`), hosting);
    assert.match(await registryNetworks(), /"k3d-t-one"/);

    await using project = await projectOn('t-one');
    await project.edit(
      'k8s/hello.yaml',
      'spec:\n  selector: { app: hello }\n',
      'spec:\n  type: NodePort\n  selector: { app: hello }\n',
    );
    await project.edit('k8s/hello.yaml', 'port: 80, targetPort: http', 'port: 80, targetPort: http, nodePort: 30080');
    const pushed = await runIn(project);
    assert.equal(pushed.code, 0, pushed.text + pushed.stderr);
    assert.ok(pushed.lines.includes(`    service/hello  http://localhost:${port}`), pushed.text);
    // The nodes' proxies learn of a Service a moment after its pods are ready.
    await eventually(
      'the answer',
      () => get(`http://localhost:${port}/`),
      (body) => body === 'hello, storm\n',
    );
    // Pushed to localhost:5000, and pulled under the name that nodes reach the same registry by.
    const [pulled] = await pods('t-one', project);
    const fromNodes = `${await registry()}:5000/hello:stormctl-`;
    assert.equal(pulled?.spec.containers[0]?.image.slice(0, fromNodes.length), fromNodes);
    assert.match(pulled?.spec.containers[0]?.image ?? '', /@sha256:/);

    await project.edit('stormctl.yaml', 'services:\n', 'registry: k3d\n\nservices:\n');
    await project.write('src/greeting.txt', 'loaded\n');
    const loaded = await runIn(project);
    assert.equal(loaded.code, 0, loaded.text + loaded.stderr);
    const [own] = await eventually(
      'the new pod alone',
      () => pods('t-one', project),
      ({ length }) => length === 1,
    );
    assert.match(own?.spec.containers[0]?.image ?? '', /^hello:stormctl-/);
    assert.equal(own?.spec.containers[0]?.imagePullPolicy, 'IfNotPresent');
    await eventually(
      'the new answer',
      () => get(`http://localhost:${port}/`),
      (body) => body === 'loaded\n',
    );

    const again = await stormctl('cluster', 'create', 't-one');
    assert.equal(again.code, 2);
    assert.match(again.stderr, /there is a cluster t-one already/);
    assert.match(await kubectl('t-one', 'get', 'nodes'), /k3d-t-one-server-0/);
    assert.equal((await stormctl('cluster', 'delete', 't-one')).code, 0);
    await assertNothing('t-one');
    assert.equal(await readFile(file(), 'utf8'), kubeconfig);
  });

  test('all three nodes of one get an image that is loaded', async () => {
    const created = await stormctl('cluster', 'create', 't-many', '--agents', '2', '--no-registry');
    assert.equal(created.code, 0, created.text + created.stderr);
    await using project = await projectOn('t-many');
    await project.edit('stormctl.yaml', 'services:\n', 'registry: k3d\n\nservices:\n');
    const term = '{ labelSelector: { matchLabels: { app: hello } }, topologyKey: kubernetes.io/hostname }';
    await project.edit('k8s/hello.yaml', 'spec:\n  selector:', 'spec:\n  replicas: 3\n  selector:');
    await project.edit(
      'k8s/hello.yaml',
      '      containers:',
      `      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [${term}] } }\n      containers:`,
    );
    const up = await runIn(project);
    assert.equal(up.code, 0, up.text + up.stderr);
    const nodes = (await pods('t-many', project)).map(({ spec }) => spec.nodeName).sort();
    assert.deepEqual(nodes, ['k3d-t-many-agent-0', 'k3d-t-many-agent-1', 'k3d-t-many-server-0']);
    assert.equal((await stormctl('cluster', 'delete', 't-many')).code, 0);
    await assertNothing('t-many');
  });

  test('run makes the one that the config asks for and starts it when it is stopped; delete leaves the registry alone', async () => {
    const create = `  create: { image: "${image}", registry: 5000 }\n`;
    await using project = await projectOn('t-create', create);
    const made = await runIn(project);
    assert.equal(made.code, 0, made.text + made.stderr);
    assert.match(made.text, /making the cluster t-create/);
    assert.equal((await pods('t-create', project)).length, 1);

    await docker('stop', '--time', '5', 'k3d-t-create-server-0');
    const started = await runIn(project);
    assert.equal(started.code, 0, started.text + started.stderr);
    assert.match(started.text, /starting the cluster t-create/);
    assert.doesNotMatch(started.text, /making the cluster/);
    await eventually(
      'the pod after the start',
      () => pods('t-create', project),
      ({ length }) => length === 1,
    );

    const volumes = await docker(
      'inspect',
      'k3d-t-create-server-0',
      '--format',
      '{{range .Mounts}}{{if eq .Type "volume"}}{{println .Name}}{{end}}{{end}}',
    );
    const deleted = await stormctl('cluster', 'delete', 't-create');
    assert.equal(deleted.code, 0, deleted.text + deleted.stderr);
    assert.match(deleted.text, /deleted the cluster t-create/);
    await assertNothing('t-create');
    assert.doesNotMatch(await registryNetworks(), /k3d-t-create/);
    const remaining = (await docker('volume', 'ls', '--quiet')).split('\n');
    assert.deepEqual(
      volumes.split('\n').filter((one) => remaining.includes(one)),
      [],
    );
    const twice = await stormctl('cluster', 'delete', 't-create');
    assert.equal(twice.code, 0, twice.text + twice.stderr);
    assert.match(twice.text, /there is no cluster t-create/);
  });

  test('a port that a program has is named before anything is made', async () => {
    const server = createServer().listen(0);
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const failed = await stormctl('cluster', 'create', 't-one', '--port', `${port}:30080`);
    server.close();
    assert.equal(failed.code, 2, failed.text + failed.stderr);
    assert.match(failed.stderr, new RegExp(`port ${port} is taken`));
    await assertNothing('t-one');
  });

  test('an image that is no node fails half-way, and leaves nothing', async () => {
    const failed = await stormctl('cluster', 'create', 't-one', '--image', 'redis:alpine');
    assert.equal(failed.code, 6, failed.text + failed.stderr);
    assert.match(failed.text, /network k3d-t-one/);
    assert.match(failed.stderr, /k3d-t-one-server-0|docker/i);
    await assertNothing('t-one');
  });

  for (const [when, step] of [
    ['while its node starts', /server-0 has started/],
    ['before it takes pods', /server-0 is up after/],
  ] as const)
    test(`Ctrl+C ${when} leaves nothing`, async () => {
      await using creating = new Cli(['cluster', 'create', 't-one'], { cwd: folder, env: env() });
      await creating.until(String(step), ({ text }) => step.test(text));
      creating.kill('SIGINT');
      const { code } = await creating.ended;
      assert.equal(code, 130, creating.text + creating.stderr);
      await assertNothing('t-one');
      assert.equal(await readFile(file(), 'utf8'), kubeconfig);
    });
});
