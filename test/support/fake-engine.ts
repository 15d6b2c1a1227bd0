import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Channel } from '../../src/lib/channel.ts';
import type {
  BuildRequest,
  BuiltImage,
  ContainerInfo,
  CreateContainer,
  Engine,
  EngineVersion,
  ExecOptions,
  ExecResult,
  ImageInfo,
} from '../../src/engine/engine.ts';
import { Failure } from '../../src/errors.ts';

type Labels = Readonly<Record<string, string>>;
type Call = Exclude<keyof Engine, 'endpoint' | typeof Symbol.asyncDispose>;

interface FakeContainer {
  readonly id: string;
  readonly request: CreateContainer;
  readonly networks: Set<string>;
  readonly files: Map<string, Buffer>;
  readonly log: Channel<string>;
  state: ContainerInfo['state'];
}

export interface FakeExec {
  readonly container: string;
  readonly command: readonly string[];
  /** What was written to it. */
  readonly input: string;
}

/**
 * An engine in memory. It records every call, fails where a test says so, and keeps to what a real one does in
 * test/contract/engine. Builds give ids of what they were asked for; `onBuild`, `onExec` and `onStart` change what happens.
 */
export class FakeEngine implements Engine {
  readonly endpoint: string;
  /** `name argument…` of every call, in order. */
  readonly calls: string[] = [];
  readonly builds: Omit<BuildRequest, 'context'>[] = [];
  readonly execs: FakeExec[] = [];
  /** Reference to id. */
  readonly images = new Map<string, string>();
  /** What `pathsInImage` finds, by image; default: what alpine has. */
  readonly paths = new Map<string, readonly string[]>();
  readonly networks = new Map<string, Labels>();
  readonly volumes = new Map<string, Labels>();
  /** Where pushes went: reference to digest. */
  readonly pushed = new Map<string, string>();
  /** What `pull` finds. */
  readonly pullable = new Set<string>();
  onBuild: (request: BuildRequest, signal: AbortSignal) => Promise<BuiltImage>;
  onExec: (exec: FakeExec) => Promise<ExecResult> = () => Promise.resolve({ exitCode: 0, stdout: '', stderr: '' });
  /** Called when a container has started; gives what it logs. */
  onStart: (container: CreateContainer) => readonly string[] = () => [];
  readonly #containers = new Map<string, FakeContainer>();
  readonly #failures = new Map<string, unknown[]>();
  #made = 0;

  constructor({ endpoint = 'unix:///fake.sock', images = [] as readonly string[] } = {}) {
    this.endpoint = endpoint;
    for (const image of images) this.images.set(image, idOf(image));
    this.onBuild = async ({ tags }) => ({ id: idOf(`${tags.join()}#${this.builds.length}`) });
  }

  /** The next call of that name is rejected with `error`; with `argument`, only one that has it among its arguments. */
  failNext(call: Call, error: unknown, argument = ''): void {
    const key = `${call} ${argument}`.trim();
    this.#failures.set(key, [...(this.#failures.get(key) ?? []), error]);
  }

  async ping(signal?: AbortSignal): Promise<EngineVersion> {
    this.#call('ping', [], signal);
    return { version: '0.0.0-fake', apiVersion: '1.41' };
  }

  async build(request: BuildRequest, signal: AbortSignal): Promise<BuiltImage> {
    this.#call('build', request.tags, signal);
    const { context, ...rest } = request;
    for await (const _chunk of context) signal.throwIfAborted();
    this.builds.push(rest);
    const image = await this.onBuild(request, signal);
    for (const tag of request.tags) this.images.set(tag, image.id);
    return image;
  }

  async inspectImage(reference: string, signal?: AbortSignal): Promise<ImageInfo | undefined> {
    this.#call('inspectImage', [reference], signal);
    const id = this.images.get(reference) ?? [...this.images.values()].find((one) => one === reference);
    if (id === undefined) return undefined;
    const repoTags = [...this.images].filter(([, one]) => one === id).map(([tag]) => tag);
    return { id, repoTags, repoDigests: [], entrypoint: [], command: [], workingDir: '', user: '' };
  }

  async pathsInImage(image: string, paths: readonly string[], signal?: AbortSignal): Promise<readonly string[]> {
    this.#call('pathsInImage', [image], signal);
    if (!this.images.has(image)) throw refusal(`No such image: ${image}`);
    const there = this.paths.get(image) ?? ['/bin/sh', '/etc', '/etc/passwd'];
    return paths.filter((path) => there.includes(path));
  }

  async tag(image: string, reference: string, signal?: AbortSignal): Promise<void> {
    this.#call('tag', [image, reference], signal);
    const info = await this.inspectImage(image);
    if (!info) throw refusal(`No such image: ${image}`);
    this.images.set(reference, info.id);
  }

  async push(reference: string, signal: AbortSignal): Promise<{ readonly digest: string }> {
    this.#call('push', [reference], signal);
    const id = this.images.get(reference);
    if (id === undefined) throw new Failure('ship', `can't push ${reference}: no such image`);
    this.pushed.set(reference, id);
    return { digest: id };
  }

  async pull(reference: string, signal: AbortSignal): Promise<void> {
    this.#call('pull', [reference], signal);
    if (!this.pullable.has(reference)) throw new Failure('refused', `can't pull ${reference}: not found`);
    this.images.set(reference, idOf(reference));
  }

  async save(references: readonly string[], signal: AbortSignal): Promise<Readable> {
    this.#call('save', references, signal);
    return Readable.from([Buffer.from(`tar of ${references.join(' ')}`)]);
  }

  async containers(labels: Labels, signal?: AbortSignal): Promise<readonly ContainerInfo[]> {
    this.#call('containers', [], signal);
    return [...this.#containers.values()].filter(({ request }) => hasAll(request.labels, labels)).map(describe);
  }

  async createContainer(request: CreateContainer, signal?: AbortSignal): Promise<string> {
    this.#call('createContainer', [request.name], signal);
    if (!this.images.has(request.image)) throw refusal(`No such image: ${request.image}`);
    if ([...this.#containers.values()].some((one) => one.request.name === request.name))
      throw refusal(`the name "/${request.name}" is already in use`);
    for (const bind of request.binds ?? []) if (!bind.startsWith('/')) this.#volumeOf(bind);
    const id = `container-${++this.#made}`;
    const [networks, files] = [new Set([request.network]), new Map<string, Buffer>()];
    this.#containers.set(id, { id, request, networks, files, log: new Channel(), state: 'created' });
    return id;
  }

  async startContainer(id: string, signal?: AbortSignal): Promise<void> {
    this.#call('startContainer', [this.#nameOf(id)], signal);
    const container = this.#find(id);
    if (container.state === 'running') return;
    container.state = 'running';
    for (const line of this.onStart(container.request)) container.log.push(line);
  }

  async stopContainer(id: string, signal?: AbortSignal): Promise<void> {
    this.#call('stopContainer', [this.#nameOf(id)], signal);
    this.#find(id).state = 'exited';
  }

  async removeContainer(id: string, signal?: AbortSignal): Promise<void> {
    this.#call('removeContainer', [this.#nameOf(id)], signal);
    const found = [...this.#containers.values()].find((one) => one.id === id || one.request.name === id);
    found?.log.close();
    if (found) this.#containers.delete(found.id);
  }

  /** What `onStart` gave; then, unless the container is removed, nothing until the abort. */
  async *containerLogs(id: string, _since: number, signal: AbortSignal): AsyncGenerator<string, void, void> {
    this.#call('containerLogs', [this.#nameOf(id)], signal);
    const { log } = this.#find(id);
    const abort = () => log.fail(aborted());
    signal.addEventListener('abort', abort);
    try {
      yield* log;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** Ends a container by itself, and with it its log. */
  end(name: string): void {
    const container = this.#find(name);
    container.state = 'exited';
    container.log.close();
  }

  async readFile(container: string, path: string, signal?: AbortSignal): Promise<Buffer> {
    this.#call('readFile', [this.#nameOf(container), path], signal);
    const content = this.#find(container).files.get(path);
    if (!content) throw refusal(`Could not find the file ${path} in container ${container}`);
    return content;
  }

  async writeFile(container: string, path: string, content: Buffer, signal?: AbortSignal): Promise<void> {
    this.#call('writeFile', [this.#nameOf(container), path], signal);
    this.#find(container).files.set(path, content);
  }

  async exec(container: string, command: readonly string[], { stdin, signal }: ExecOptions): Promise<ExecResult> {
    const name = this.#nameOf(container);
    this.#call('exec', [name, ...command], signal);
    const run = { container: name, command, input: stdin ? await text(stdin) : '' };
    this.execs.push(run);
    return await this.onExec(run);
  }

  async ensureNetwork(name: string, labels: Labels, signal?: AbortSignal): Promise<boolean> {
    this.#call('ensureNetwork', [name], signal);
    if (this.networks.has(name)) return false;
    this.networks.set(name, labels);
    return true;
  }

  async connectNetwork(network: string, container: string, signal?: AbortSignal): Promise<void> {
    this.#call('connectNetwork', [network, this.#nameOf(container)], signal);
    this.#find(container).networks.add(network);
  }

  async disconnectNetwork(network: string, container: string, signal?: AbortSignal): Promise<void> {
    this.#call('disconnectNetwork', [network, this.#nameOf(container)], signal);
    const found = [...this.#containers.values()].find((one) => one.id === container || one.request.name === container);
    found?.networks.delete(network);
  }

  async removeNetwork(name: string, signal?: AbortSignal): Promise<void> {
    this.#call('removeNetwork', [name], signal);
    this.networks.delete(name);
  }

  async ensureVolume(name: string, labels: Labels, signal?: AbortSignal): Promise<boolean> {
    this.#call('ensureVolume', [name], signal);
    if (this.volumes.has(name)) return false;
    this.volumes.set(name, labels);
    return true;
  }

  async removeVolume(name: string, signal?: AbortSignal): Promise<void> {
    this.#call('removeVolume', [name], signal);
    this.volumes.delete(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { log } of this.#containers.values()) log.close();
  }

  #call(name: Call, args: readonly string[], signal: AbortSignal | undefined): void {
    if (signal?.aborted) throw aborted();
    this.calls.push([name, ...args].join(' '));
    for (const key of [name, ...args.map((argument) => `${name} ${argument}`)]) {
      const [error, ...later] = this.#failures.get(key) ?? [];
      if (error === undefined) continue;
      this.#failures.set(key, later);
      throw error;
    }
  }

  #find(idOrName: string): FakeContainer {
    const found = [...this.#containers.values()].find((one) => one.id === idOrName || one.request.name === idOrName);
    if (!found) throw refusal(`No such container: ${idOrName}`);
    return found;
  }

  #nameOf(idOrName: string): string {
    return this.#containers.get(idOrName)?.request.name ?? idOrName;
  }

  /** The engine makes a volume that a container names. */
  #volumeOf(bind: string): void {
    const name = bind.slice(0, bind.indexOf(':'));
    if (!this.volumes.has(name)) this.volumes.set(name, {});
  }
}

function describe({ id, request, networks, state }: FakeContainer): ContainerInfo {
  const { name, image, labels, ports = [] } = request;
  return { id, name, image, state, labels, networks: [...networks], ports: state === 'running' ? ports : [] };
}

function hasAll(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

function idOf(text: string): string {
  return `sha256:${Buffer.from(text).toString('hex').padEnd(64, '0').slice(0, 64)}`;
}

function refusal(words: string): Failure {
  return new Failure('refused', `the Docker engine refuses: ${words}`);
}

function aborted(): Error {
  return Object.assign(new Error('The operation was aborted'), { name: 'AbortError' });
}
