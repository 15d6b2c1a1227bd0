import type { Duplex } from 'node:stream';
import type {
  ExecRequest,
  ExecSession,
  Kube,
  KubeRequest,
  KubeResource,
  KubeTarget,
  LogRequest,
  PodIdentity,
  WatchEvent,
  WatchRequest,
} from '../kube/kube.ts';

/** What stands before every write of a session, wherever in the code it is done. */
export interface Gate {
  /** Awaited before each write and before each process that is started in a container. @throws to refuse it. */
  beforeWrite(signal: AbortSignal | undefined): Promise<void>;
  /** A request could not be made, or a watch was cut: what answers next may be another server. */
  onBroken?(error: unknown): void;
  /** A watch that was cut has been taken up again. Awaited before anybody sees what it brings. @throws to end it. */
  onBack?(signal: AbortSignal): Promise<void>;
}

/** A cluster that is written to only while a gate is open. Reads pass. */
export class GatedKube implements Kube {
  readonly target: KubeTarget;
  readonly #kube: Kube;
  readonly #gate: Gate;

  constructor(kube: Kube, gate: Gate) {
    this.target = kube.target;
    this.#kube = kube;
    this.#gate = gate;
  }

  async request<T>(request: KubeRequest): Promise<T> {
    if (request.method !== 'GET') await this.#gate.beforeWrite(request.signal);
    try {
      return await this.#kube.request<T>(request);
    } catch (error) {
      this.#gate.onBroken?.(error);
      throw error;
    }
  }

  resource(apiVersion: string, kind: string, signal?: AbortSignal): Promise<KubeResource> {
    return this.#kube.resource(apiVersion, kind, signal);
  }

  async *watch(request: WatchRequest, signal: AbortSignal): AsyncGenerator<WatchEvent, void, void> {
    let isCut = false;
    for await (const event of this.#kube.watch(request, signal)) {
      if (event.type === 'lost') {
        isCut = true;
        this.#gate.onBroken?.(event.cause);
      } else if (isCut) {
        await this.#gate.onBack?.(signal);
        isCut = false;
      }
      yield event;
    }
  }

  logs(request: LogRequest, signal: AbortSignal): AsyncIterable<Buffer> {
    return this.#kube.logs(request, signal);
  }

  async exec(request: ExecRequest, signal: AbortSignal): Promise<ExecSession> {
    await this.#gate.beforeWrite(signal);
    return this.#kube.exec(request, signal);
  }

  connect(pod: PodIdentity, port: number, signal: AbortSignal): Promise<Duplex> {
    return this.#kube.connect(pod, port, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kube[Symbol.asyncDispose]();
  }
}
