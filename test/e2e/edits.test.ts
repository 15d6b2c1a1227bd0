import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Cli } from '../support/cli.ts';
import { openClusterDoor } from '../support/cluster-door.ts';
import { kubectl, lab } from '../support/lab.ts';
import { eventually, objectsIn, type SeenObject } from '../support/outside.ts';
import { randomOf } from '../support/random.ts';

const name = 't-edits';
const services = ['one', 'two', 'three'];
const edits = 500;
const seed = Number(process.env['STORMCTL_SEED'] ?? 1);

describe(`what is edited while everything fails (seed ${seed})`, { skip: lab.skip }, () => {
  let folder = '';

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stormctl-edits-'));
    for (const service of services) await writeService(join(folder, service), service);
    await writeFile(join(folder, 'stormctl.yaml'), config);
    await kubectl(['delete', 'namespace', name, '--ignore-not-found', '--timeout=120s']);
  });
  after(async () => {
    await kubectl(['delete', 'namespace', name, '--ignore-not-found', '--wait=false']);
    await rm(folder, { recursive: true, force: true });
  });

  test('is in every container at the end, byte for byte', { timeout: 600_000 }, async (context) => {
    await using through = await openClusterDoor();
    await using dev = new Cli(['dev', '-o', 'json'], { cwd: folder, env: through.env });
    await dev.report('session.ready', () => true, { timeoutMs: 300_000 });

    const random = randomOf(seed);
    const editors = new Map(
      services.map((service) => [service, new Editor(join(folder, service, 'src'), random)] as const),
    );
    const faults: Promise<unknown>[] = [];
    for (let edit = 1; edit <= edits; edit++) {
      const service = services[random(services.length)] ?? 'one';
      await editors.get(service)?.edit(edit);
      if (edit % 23 === 0) faults.push(killPod(service, random));
      if (edit % 61 === 0) faults.push(restartContainer(service, random));
      if (edit % 170 === 0) await writeFile(join(folder, service, 'package.json'), JSON.stringify({ version: edit }));
      if (edit === 150 || edit === 350) faults.push(away(through.door, 3000));
      if (edit === 250) await scale(join(folder, 'one'), 3);
      // The pace of a person, of a formatter and of a generator: this is the load, nothing is waited for.
      if (random(3) === 0) await delay(random(200));
    }
    await Promise.all(faults);

    for (const service of services) {
      const tree = await readTree(join(folder, service, 'src'));
      assert.ok(Object.keys(tree).length > 10, `${service} has files left to compare`);
      const pods = service === 'one' ? 3 : 2;
      await eventually(
        `the files of ${service} in its containers`,
        async () => (await filesOfPods(service)).map((files) => differences(tree, files)),
        (found) => found.length === pods && found.every((differs) => differs.length === 0),
        120_000,
      );
    }
    const count = (type: 'sync.done' | 'loop.rebuilt') => dev.reportsOf(type).length;
    context.diagnostic(`${edits} edits, ${count('sync.done')} syncs, ${count('loop.rebuilt')} rebuilds`);
    dev.kill('SIGINT');
    assert.equal((await dev.ended).code, 130, dev.stderr);
  });
});

/** Changes one folder as people, editors and generators do. */
class Editor {
  readonly #root: string;
  readonly #random: (below: number) => number;
  readonly #files: string[] = [];

  constructor(root: string, random: (below: number) => number) {
    this.#root = root;
    this.#random = random;
  }

  async edit(number: number): Promise<void> {
    const file = this.#files[this.#random(this.#files.length)];
    const what = this.#random(10);
    if (file === undefined || what < 3) return this.#write(this.#newName(number), number);
    if (what < 6) return this.#write(file, number);
    if (what === 6) return this.#replace(file, number);
    if (what === 7) return this.#remove(file);
    if (what === 8) return this.#move(file, this.#newName(number));
    return this.#moveFolder(dirname(file), `moved ${number}`);
  }

  #newName(number: number): string {
    const folders = ['', 'deep/er/', 'mit Leerzeichen/', 'ünï/', `new-${number}/`];
    const names = ['plain.ts', 'ein Wort.js', 'naïve-文件.ts', 'quo\'te".txt', '-dash', '.hidden'];
    return `${folders[this.#random(folders.length)]}${number} ${names[this.#random(names.length)]}`;
  }

  async #write(file: string, number: number): Promise<void> {
    const path = join(this.#root, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, this.#bytes(number));
    if (!this.#files.includes(file)) this.#files.push(file);
  }

  /** As an editor that keeps the old file until the new one is whole. */
  async #replace(file: string, number: number): Promise<void> {
    const path = join(this.#root, file);
    const beside = join(dirname(path), `${basename(path)}.tmp`);
    await writeFile(beside, this.#bytes(number));
    await rename(beside, path);
  }

  async #remove(file: string): Promise<void> {
    await rm(join(this.#root, file));
    this.#files.splice(this.#files.indexOf(file), 1);
  }

  async #move(file: string, to: string): Promise<void> {
    await mkdir(dirname(join(this.#root, to)), { recursive: true });
    await rename(join(this.#root, file), join(this.#root, to));
    this.#files[this.#files.indexOf(file)] = to;
  }

  async #moveFolder(folder: string, to: string): Promise<void> {
    if (folder === '.') return;
    await rename(join(this.#root, folder), join(this.#root, to));
    for (const [index, file] of this.#files.entries()) {
      if (file.startsWith(`${folder}/`)) this.#files[index] = join(to, relative(folder, file));
    }
  }

  /** Empty, small and some hundred kilobytes, of every byte. */
  #bytes(number: number): Buffer {
    const length = [0, 10, 1000, 300_000][this.#random(4)] ?? 0;
    return Buffer.from(Array.from({ length }, (_, index) => (number * 31 + index * (1 + (number % 250))) % 256));
  }
}

/** The hash of every file, by its path. */
type Files = Readonly<Record<string, string>>;

async function readTree(root: string): Promise<Files> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files: Record<string, string> = {};
  for (const entry of entries.filter((found) => found.isFile())) {
    const path = join(entry.parentPath, entry.name);
    files[relative(root, path)] = createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
  }
  return files;
}

const readTreeThere = `
const fs = require('fs'), path = require('path'), files = {};
const walk = (folder) => { for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
  const p = path.join(folder, entry.name);
  if (entry.isDirectory()) walk(p);
  else files[path.relative('/app/src', p)] = require('crypto').createHash('sha256').update(fs.readFileSync(p)).digest('hex');
} };
walk('/app/src');
console.log(JSON.stringify(files));`;

async function filesOfPods(service: string): Promise<readonly Files[]> {
  const pods = await podsOf(service);
  return Promise.all(
    pods.map(async (pod) => JSON.parse(await inPod(pod.metadata.name, ['node', '-e', readTreeThere])) as Files),
  );
}

/** What is not in the container as it is in the tree. */
function differences(tree: Files, there: Files): readonly string[] {
  const names = new Set([...Object.keys(tree), ...Object.keys(there)]);
  return [...names].flatMap((file) => {
    if (tree[file] === there[file]) return [];
    return `${there[file] === undefined ? 'lacks' : tree[file] === undefined ? 'still has' : 'has another'} ${file}`;
  });
}

async function podsOf(service: string): Promise<readonly SeenObject[]> {
  const pods = await objectsIn(name, 'pods');
  return pods.filter(({ metadata }) => metadata.labels?.['app'] === service && !('deletionTimestamp' in metadata));
}

function inPod(pod: string, command: readonly string[]): Promise<string> {
  return kubectl(['exec', '--namespace', name, pod, '-c', 'main', '--', ...command]);
}

async function killPod(service: string, random: (below: number) => number): Promise<void> {
  const pods = await podsOf(service);
  const pod = pods[random(Math.max(1, pods.length))];
  if (pod)
    await kubectl(['delete', 'pod', '--namespace', name, pod.metadata.name, '--wait=false', '--ignore-not-found']);
}

/** The process ends; its container comes again, with the files of its image. */
async function restartContainer(service: string, random: (below: number) => number): Promise<void> {
  const pods = await podsOf(service);
  const pod = pods[random(Math.max(1, pods.length))];
  // A pod that is not running yet, or not any more, has nothing to restart.
  if (pod) await inPod(pod.metadata.name, ['kill', '1']).catch(() => {});
}

async function away(door: { shut(): Promise<void>; reopen(): Promise<void> }, ms: number): Promise<void> {
  await door.shut();
  await delay(ms);
  await door.reopen();
}

async function scale(folder: string, replicas: number): Promise<void> {
  const file = join(folder, 'k8s.yaml');
  await writeFile(file, (await readFile(file, 'utf8')).replace('replicas: 2', `replicas: ${replicas}`));
}

async function writeService(folder: string, service: string): Promise<void> {
  await mkdir(join(folder, 'src'), { recursive: true });
  await writeFile(join(folder, 'src/first.ts'), service);
  await writeFile(join(folder, 'package.json'), '{}');
  await writeFile(join(folder, 'Dockerfile'), dockerfile);
  await writeFile(join(folder, 'k8s.yaml'), manifest(service));
}

const dockerfile = `FROM node:20-alpine
WORKDIR /app
COPY package.json ./
COPY src ./src
CMD ["node", "-e", "process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000)"]
`;

const config = `apiVersion: stormctl.dev/v1
name: ${name}
cluster: { namespace: ${name} }
services:
${services.map((service) => `  ${service}: { build: ${service}, image: ${name}-${service}, sync: [{ from: 'src/**', to: /app/src }] }`).join('\n')}
deploy:
  - manifests: ['*/k8s.yaml']
`;

function manifest(service: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${service} }
spec:
  replicas: 2
  selector: { matchLabels: { app: ${service} } }
  template:
    metadata: { labels: { app: ${service} } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - { name: main, image: ${name}-${service}, resources: { requests: { cpu: 5m, memory: 32Mi } } }
`;
}
