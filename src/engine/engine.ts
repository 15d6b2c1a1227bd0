import type { Readable } from 'node:stream';

/**
 * The Docker Engine API, as far as stormctl needs it. Every call that can wait takes a signal; an abort ends it with
 * AbortError and stops what the engine does for it. An engine that can't be reached is a `Failure` of kind `unreachable`.
 */
export interface Engine extends AsyncDisposable {
  /** Where it answers: `unix:///var/run/docker.sock`, `tcp://…`. */
  readonly endpoint: string;

  /** @throws Failure `unreachable` that names what was tried. */
  ping(signal?: AbortSignal): Promise<EngineVersion>;

  /**
   * Builds with BuildKit. The context is a tar stream; its end is the end of the context.
   * @throws BuildError when a step fails or the frames end without an image: never a silent success.
   */
  build(request: BuildRequest, signal: AbortSignal): Promise<BuiltImage>;

  /** @returns undefined when the engine has no such image. */
  inspectImage(reference: string, signal?: AbortSignal): Promise<ImageInfo | undefined>;
  /**
   * Which of these absolute paths an image has, links among them whether they lead anywhere or not. Asked of a container
   * that is made of it, never started, and removed. @throws Failure `refused` when the engine has no such image.
   */
  pathsInImage(image: string, paths: readonly string[], signal?: AbortSignal): Promise<readonly string[]>;
  tag(image: string, reference: string, signal?: AbortSignal): Promise<void>;
  /** @returns the digest of the manifest in the registry. @throws Failure `ship` with the registry's own words. */
  push(reference: string, signal: AbortSignal): Promise<{ readonly digest: string }>;
  /** A tar of the images, as `docker save` writes it. @throws Failure `ship` when the engine does not have one. */
  save(references: readonly string[], signal: AbortSignal): Promise<Readable>;
  pull(reference: string, signal: AbortSignal): Promise<void>;

  containers(labels: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<readonly ContainerInfo[]>;
  createContainer(request: CreateContainer, signal?: AbortSignal): Promise<string>;
  startContainer(id: string, signal?: AbortSignal): Promise<void>;
  stopContainer(id: string, signal?: AbortSignal): Promise<void>;
  /** Kills it if it runs and removes its anonymous volumes. No error when it is gone already. */
  removeContainer(id: string, signal?: AbortSignal): Promise<void>;
  /** The lines a container prints from `since` (seconds) on; ends when it stops. */
  containerLogs(id: string, since: number, signal: AbortSignal): AsyncIterable<string>;
  readFile(container: string, path: string, signal?: AbortSignal): Promise<Buffer>;
  /** Writes one file, mode 0600, into a container that need not run; its folder is made. */
  writeFile(container: string, path: string, content: Buffer, signal?: AbortSignal): Promise<void>;
  /** An abort cuts its streams; a command that reads no input runs on, since the engine has no call that kills it. */
  exec(container: string, command: readonly string[], options: ExecOptions): Promise<ExecResult>;

  /** @returns whether it was made: false when there was one of that name. */
  ensureNetwork(name: string, labels: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<boolean>;
  /** No error when the container is in it already. */
  connectNetwork(network: string, container: string, signal?: AbortSignal): Promise<void>;
  /** No error when it is gone, or when the container is not in it. */
  disconnectNetwork(network: string, container: string, signal?: AbortSignal): Promise<void>;
  /** No error when it is gone already. */
  removeNetwork(name: string, signal?: AbortSignal): Promise<void>;
  /** @returns whether it was made: false when there was one of that name. */
  ensureVolume(name: string, labels: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<boolean>;
  /** No error when it is gone already. */
  removeVolume(name: string, signal?: AbortSignal): Promise<void>;
}

export interface EngineVersion {
  readonly version: string;
  readonly apiVersion: string;
}

export interface BuildRequest {
  readonly context: Readable;
  /** Its path inside the context. */
  readonly dockerfile: string;
  readonly tags: readonly string[];
  readonly target?: string | undefined;
  readonly args?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly network?: string | undefined;
  readonly onProgress?: (progress: BuildProgress) => void;
}

export type BuildProgress =
  | { readonly type: 'step'; readonly name: string; readonly cached: boolean; readonly ms: number }
  | { readonly type: 'started'; readonly name: string }
  | { readonly type: 'output'; readonly line: string };

export interface BuiltImage {
  /** `sha256:…`, the image's id. */
  readonly id: string;
}

/** A build that failed: the step, and the end of what it printed. */
export class BuildError extends Error {
  /** As BuildKit names it: `[build 4/6] RUN go build …`; undefined when no step began. */
  readonly step: string | undefined;
  readonly output: readonly string[];

  constructor(message: string, step: string | undefined, output: readonly string[]) {
    super(message);
    this.name = 'BuildError';
    this.step = step;
    this.output = output;
  }
}

export interface ImageInfo {
  readonly id: string;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly workingDir: string;
  readonly user: string;
}

export interface ContainerInfo {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly state: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';
  readonly labels: Readonly<Record<string, string>>;
  readonly networks: readonly string[];
  /** `container port/protocol` to the host's. */
  readonly ports: readonly PublishedPort[];
}

export interface PublishedPort {
  readonly container: number;
  readonly host: number;
  readonly address: string;
}

export interface CreateContainer {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly env?: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly network: string;
  readonly ports?: readonly PublishedPort[];
  /** `volume:/path` or `/host:/path:ro`. */
  readonly binds?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly privileged?: boolean;
  readonly init?: boolean;
  readonly restart?: 'no' | 'unless-stopped';
}

export interface ExecOptions {
  readonly stdin?: Readable;
  readonly signal: AbortSignal;
}

export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}
