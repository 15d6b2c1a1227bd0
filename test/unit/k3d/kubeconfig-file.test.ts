import assert from 'node:assert/strict';
import { mkdtemp, open, readdir, readFile, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { isAbort } from '../../../src/errors.ts';
import { addToKubeconfig, removeFromKubeconfig } from '../../../src/k3d/kubeconfig-file.ts';
import { run } from '../../../src/lib/process.ts';
import { parseManifestYaml } from '../../../src/lib/yaml.ts';

const never = new AbortController().signal;
const entry = (name: string, server = 'https://127.0.0.1:6550') => ({
  name: `k3d-${name}`,
  userName: `admin@k3d-${name}`,
  cluster: { server, 'certificate-authority-data': 'Q0E=' },
  user: { 'client-key-data': 'S0VZ' },
});

interface Kubeconfig {
  readonly 'current-context'?: string;
  readonly clusters: { name: string; cluster: { server: string } }[];
  readonly users: { name: string }[];
  readonly contexts: { name: string; context: object }[];
}

describe('the kubeconfig', () => {
  let folder = '';
  let file = '';
  const read = async () => parseManifestYaml(await readFile(file, 'utf8'), file)[0]?.value as Kubeconfig;
  const namesIn = (list: readonly { name: string }[]) => list.map(({ name }) => name);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stormctl-test-'));
    file = join(folder, 'kube', 'config');
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('a new file has the cluster, its user and context, no current context, and is for its owner alone', async () => {
    await addToKubeconfig(file, entry('storm'), never);
    const config = await read();
    assert.equal(config['current-context'], undefined);
    assert.deepEqual(config.contexts, [
      { name: 'k3d-storm', context: { cluster: 'k3d-storm', user: 'admin@k3d-storm' } },
    ]);
    assert.deepEqual([namesIn(config.clusters), namesIn(config.users)], [['k3d-storm'], ['admin@k3d-storm']]);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(join(folder, 'kube')), ['config']);
  });

  const others = `# by hand
apiVersion: v1
kind: Config
current-context: work # mine
preferences: {}
clusters:
- name: work
  cluster: { server: "https://work.example" }
- name: k3d-storm
  cluster: { server: "https://old.example" }
users:
- name: work
  user:
    exec: { apiVersion: client.authentication.k8s.io/v1, command: get-token, args: ["0644", "yes"] }
contexts:
- name: work
  context: { cluster: work, user: work }
`;

  test('everything else in the file stays, comments and the current context too, and an old entry is replaced', async () => {
    file = join(folder, 'config');
    await writeFile(file, others, { mode: 0o644 });
    await addToKubeconfig(file, entry('storm'), never);
    const text = await readFile(file, 'utf8');
    assert.match(text, /^# by hand\n/);
    assert.match(text, /current-context: work # mine/);
    assert.match(text, /\["0644", "yes"\]/);
    const config = await read();
    assert.deepEqual(
      config.clusters.map(({ name, cluster }) => [name, cluster.server]),
      [
        ['work', 'https://work.example'],
        ['k3d-storm', 'https://127.0.0.1:6550'],
      ],
    );
    assert.deepEqual(namesIn(config.contexts), ['work', 'k3d-storm']);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
  });

  test('what was added is removed, with nothing else', async () => {
    await addToKubeconfig(file, entry('one'), never);
    await addToKubeconfig(file, entry('two'), never);
    await removeFromKubeconfig(file, 'k3d-one', never);
    const config = await read();
    for (const list of [config.clusters, config.contexts]) assert.deepEqual(namesIn(list), ['k3d-two']);
    assert.deepEqual(namesIn(config.users), ['admin@k3d-two']);
    const before = await readFile(file, 'utf8');
    await removeFromKubeconfig(file, 'k3d-three', never);
    assert.equal(await readFile(file, 'utf8'), before);
  });

  test('a current context that is removed is no longer current, and a cluster that another context has stays', async () => {
    file = join(folder, 'config');
    await writeFile(file, `${others}- name: again\n  context: { cluster: work, user: other }\n`);
    await removeFromKubeconfig(file, 'work', never);
    const config = await read();
    assert.equal(config['current-context'], undefined);
    assert.deepEqual([namesIn(config.clusters), config.users], [['work', 'k3d-storm'], []]);
  });

  test('removing from a file that is not there makes none', async () => {
    await removeFromKubeconfig(file, 'k3d-one', never);
    assert.deepEqual(await readdir(folder), []);
  });

  test('a link stays a link', async () => {
    const real = join(folder, 'real');
    await writeFile(real, '');
    file = join(folder, 'link');
    await symlink(real, file);
    await addToKubeconfig(file, entry('storm'), never);
    assert.equal(await readlink(file), real);
    assert.match(await readFile(real, 'utf8'), /k3d-storm/);
  });

  test('changes at the same time are all in it', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `c${index}`);
    await Promise.all(names.map((name) => addToKubeconfig(file, entry(name), never)));
    assert.deepEqual(
      namesIn((await read()).contexts).toSorted(),
      names.map((name) => `k3d-${name}`),
    );
  });

  test('a lock of a process that is gone is taken over', async () => {
    file = join(folder, 'config');
    const gone = (await run('sh', ['-c', 'echo $$'])).stdout.toString().trim();
    await writeFile(`${file}.lock`, `${gone} ${hostname()}\n`);
    await addToKubeconfig(file, entry('storm'), never);
    assert.deepEqual(await readdir(folder), ['config']);
  });

  test('a lock of a process that lives is waited for, and an abort ends the waiting', async () => {
    file = join(folder, 'config');
    const lock = `${file}.lock`;
    const mine = `${process.ppid} ${hostname()}\n`;
    // A pipe can be opened for writing when somebody reads whose it is. Who looks again finds a file.
    await run('mkfifo', [lock]);
    const controller = new AbortController();
    const merging = addToKubeconfig(file, entry('storm'), controller.signal);
    const pipe = await open(lock, 'w');
    await writeFile(`${lock}.later`, mine);
    await rename(`${lock}.later`, lock);
    await pipe.writeFile(mine);
    await pipe.close();
    controller.abort();
    await assert.rejects(merging, (error) => isAbort(error));
    assert.deepEqual(await readdir(folder), ['config.lock']);
  });

  test('broken YAML is refused and left as it is', async () => {
    file = join(folder, 'config');
    await writeFile(file, 'clusters: [\n');
    await assert.rejects(addToKubeconfig(file, entry('storm'), never), { kind: 'usage' });
    assert.equal(await readFile(file, 'utf8'), 'clusters: [\n');
    assert.deepEqual(await readdir(folder), ['config']);
  });
});
