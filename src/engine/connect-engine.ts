import { PassThrough, type Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import { type EngineAddress, findEngine } from './address.ts';
import { Failure } from '../errors.ts';
import { build } from './build.ts';
import { findCredentials } from './credentials.ts';
import { demux } from './demux.ts';
import { createOptions, describeContainer, describeImage } from './describe.ts';
import type { Environment } from './docker-config.ts';
import type * as Api from './engine.ts';
import { exec } from './exec.ts';
import { LineSplitter } from './line-splitter.ts';
import { pull, push } from './push.ts';
import { parseReference } from './reference.ts';
import { packOne, unpackOne } from './tar-one.ts';
import { statusOf, translate, wordsOf } from './translate.ts';
import { type Agent, createAgent, createDocker, getJson, openStream } from './transport.ts';

/**
 * The engine that the docker CLI would use. Nothing is connected, and dockerode is not loaded, before the first call.
 *
 * @throws Failure `unreachable` when the environment names an engine that does not exist or can't be used.
 */
export function connectEngine(env: Environment): Api.Engine {
  return new DockerEngine(findEngine(env), env);
}

type Abort = { abortSignal?: AbortSignal };

/** Owns the connections to one engine; its disposal cuts those that are open. */
class DockerEngine implements Api.Engine {
  readonly #address: EngineAddress;
  readonly #env: Environment;
  readonly #agent: Agent;
  #docker: Promise<Dockerode> | undefined;

  constructor(address: EngineAddress, env: Environment) {
    this.#address = address;
    this.#env = env;
    this.#agent = createAgent(address);
  }

  get endpoint(): string {
    return this.#address.endpoint;
  }

  async ping(signal?: AbortSignal): Promise<Api.EngineVersion> {
    const { Version, ApiVersion } = await this.#get<Dockerode.DockerVersion>('/version', signal);
    return { version: Version, apiVersion: ApiVersion };
  }

  async build(request: Api.BuildRequest, signal: AbortSignal): Promise<Api.BuiltImage> {
    const credentialsFor = (host: string) => findCredentials(this.#env, host, signal);
    try {
      return await build(() => this.#connect(), { credentialsFor }, request, signal);
    } catch (error) {
      throw translate(error, this.#address, signal);
    }
  }

  async inspectImage(reference: string, signal?: AbortSignal): Promise<Api.ImageInfo | undefined> {
    const path = `/images/${reference}/json`;
    const info = await this.#get<Dockerode.ImageInspectInfo>(path, signal).catch(unless(404));
    return info && describeImage(info);
  }

  pathsInImage(image: string, paths: readonly string[], signal?: AbortSignal): Promise<readonly string[]> {
    return this.#call(signal, async (docker, abort) => {
      // An image without a command can't be made a container of, and this one is never run.
      const container = await docker.createContainer({
        Image: image,
        Entrypoint: ['none'],
        NetworkDisabled: true,
        ...abort,
      });
      try {
        const looks = paths.map(async (path) => {
          const found = await container.infoArchive({ path, ...abort }).catch(unless(404));
          return found ? [path] : [];
        });
        return (await Promise.all(looks)).flat();
      } finally {
        await container.remove({ force: true, v: true });
      }
    });
  }

  async tag(image: string, reference: string, signal?: AbortSignal): Promise<void> {
    const { name, tag } = parseReference(reference);
    await this.#call(signal, (docker, abort) => docker.getImage(image).tag({ repo: name, tag, ...abort }));
  }

  push(reference: string, signal: AbortSignal): Promise<{ readonly digest: string }> {
    return this.#call(signal, (docker) => push(docker, this.#env, reference, signal));
  }

  pull(reference: string, signal: AbortSignal): Promise<void> {
    return this.#call(signal, (docker) => pull(docker, this.#env, reference, signal));
  }

  save(references: readonly string[], signal: AbortSignal): Promise<Readable> {
    const request = { method: 'GET', path: '/images/get', query: { names: references } } as const;
    return this.#call(signal, async (docker) => {
      const tar = await openStream(docker, request, signal).catch((error: unknown) => {
        if (statusOf(error) === undefined) throw error;
        throw new Failure('ship', `can't save ${references.join(', ')}: ${wordsOf(error)}`, { cause: error });
      });
      const translated = new PassThrough();
      tar.on('error', (error) => translated.destroy(translate(error, this.#address, signal) as Error));
      translated.on('close', () => tar.destroy());
      return tar.pipe(translated);
    });
  }

  async containers(
    labels: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<readonly Api.ContainerInfo[]> {
    const filters = { label: Object.entries(labels).map(([key, value]) => `${key}=${value}`) };
    const query = new URLSearchParams({ all: 'true', filters: JSON.stringify(filters) });
    const found = await this.#get<Dockerode.ContainerInfo[]>(`/containers/json?${query.toString()}`, signal);
    return found.map(describeContainer);
  }

  createContainer(request: Api.CreateContainer, signal?: AbortSignal): Promise<string> {
    return this.#call(signal, async (docker, abort) => {
      const { id } = await docker.createContainer({ ...createOptions(request), ...abort });
      return id;
    });
  }

  async startContainer(id: string, signal?: AbortSignal): Promise<void> {
    await this.#call(signal, (docker, abort) => docker.getContainer(id).start(abort).catch(unless(304)));
  }

  async stopContainer(id: string, signal?: AbortSignal): Promise<void> {
    await this.#call(signal, (docker, abort) => docker.getContainer(id).stop(abort).catch(unless(304)));
  }

  async removeContainer(id: string, signal?: AbortSignal): Promise<void> {
    await this.#call(signal, (docker, abort) =>
      docker
        .getContainer(id)
        .remove({ force: true, v: true, ...abort })
        .catch(unless(404)),
    );
  }

  async *containerLogs(id: string, since: number, signal: AbortSignal): AsyncGenerator<string, void, void> {
    const query = { follow: true, stdout: true, stderr: true, since };
    const splitters = { stdout: new LineSplitter(), stderr: new LineSplitter() };
    try {
      const docker = await this.#connect();
      const answer = await openStream(docker, { method: 'GET', path: `/containers/${id}/logs`, query }, signal);
      for await (const { stream, bytes } of demux(answer)) yield* splitters[stream].push(bytes);
      yield* splitters.stdout.end();
      yield* splitters.stderr.end();
    } catch (error) {
      throw translate(error, this.#address, signal);
    }
  }

  readFile(container: string, path: string, signal?: AbortSignal): Promise<Buffer> {
    return this.#call(signal, async (docker, abort) => {
      const tar = await docker.getContainer(container).getArchive({ path, ...abort });
      const chunks: Buffer[] = [];
      for await (const chunk of tar) chunks.push(chunk as Buffer);
      return unpackOne(Buffer.concat(chunks), path);
    });
  }

  async writeFile(container: string, path: string, content: Buffer, signal?: AbortSignal): Promise<void> {
    const tar = packOne(path.replace(/^\/+/, ''), content);
    await this.#call(signal, (docker, abort) =>
      docker.getContainer(container).putArchive(tar, { path: '/', ...abort }),
    );
  }

  exec(container: string, command: readonly string[], options: Api.ExecOptions): Promise<Api.ExecResult> {
    return this.#call(options.signal, (docker) => exec(docker, container, command, options));
  }

  ensureNetwork(name: string, labels: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<boolean> {
    return this.#call(signal, async (docker, abort) => {
      const found = await docker.listNetworks({ filters: { name: [name] }, ...abort });
      if (found.some((network) => network.Name === name)) return false;
      await docker.createNetwork({
        Name: name,
        Driver: 'bridge',
        CheckDuplicate: true,
        Labels: { ...labels },
        ...abort,
      });
      return true;
    });
  }

  async connectNetwork(network: string, container: string, signal?: AbortSignal): Promise<void> {
    await this.#call(signal, (docker, abort) =>
      docker
        .getNetwork(network)
        .connect({ Container: container, ...abort })
        .catch(unlessWords(/already exists in network/)),
    );
  }

  async disconnectNetwork(network: string, container: string, signal?: AbortSignal): Promise<void> {
    await this.#call(signal, (docker, abort) =>
      docker
        .getNetwork(network)
        .disconnect({ Container: container, Force: true, ...abort })
        .catch(unless(404))
        .catch(unlessWords(/is not connected to/)),
    );
  }

  async removeNetwork(name: string, signal?: AbortSignal): Promise<void> {
    await this.#call(signal, (docker, abort) => docker.getNetwork(name).remove(abort).catch(unless(404)));
  }

  ensureVolume(name: string, labels: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<boolean> {
    return this.#call(signal, async (docker, abort) => {
      const found = await docker.getVolume(name).inspect(abort).catch(unless(404));
      if (found) return false;
      await docker.createVolume({ Name: name, Labels: { ...labels }, ...abort });
      return true;
    });
  }

  async removeVolume(name: string, signal?: AbortSignal): Promise<void> {
    await this.#call(signal, (docker, abort) => docker.getVolume(name).remove(abort).catch(unless(404)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
  }

  async #get<T>(path: string, signal: AbortSignal | undefined): Promise<T> {
    try {
      signal?.throwIfAborted();
      return await getJson<T>(this.#address, this.#agent, path, signal);
    } catch (error) {
      throw translate(error, this.#address, signal);
    }
  }

  #connect(): Promise<Dockerode> {
    this.#docker ??= createDocker(this.#address, this.#agent);
    return this.#docker;
  }

  async #call<T>(signal: AbortSignal | undefined, work: (docker: Dockerode, abort: Abort) => Promise<T>): Promise<T> {
    try {
      signal?.throwIfAborted();
      return await work(await this.#connect(), signal ? { abortSignal: signal } : {});
    } catch (error) {
      throw translate(error, this.#address, signal);
    }
  }
}

/** For `catch`: an answer with this status is the wanted state already. */
function unless(status: number): (error: unknown) => undefined {
  return (error) => {
    if (statusOf(error) !== status) throw error;
  };
}

/** The same, where the engine answers several statuses for one thing (403 and 500, by its version). */
function unlessWords(words: RegExp): (error: unknown) => undefined {
  return (error) => {
    if (!words.test(wordsOf(error))) throw error;
  };
}
