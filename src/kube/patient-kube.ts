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
} from './kube.ts';
import { mayRepeat, type Patience } from './patience.ts';

/**
 * A cluster whose requests outlast what may pass. Streams are passed on: who reads them takes them up. So are processes and
 * connections: one that was begun is not begun twice.
 */
export class PatientKube implements Kube {
  readonly target: KubeTarget;
  readonly #kube: Kube;
  readonly #patience: Patience;

  constructor(kube: Kube, patience: Patience) {
    this.target = kube.target;
    this.#kube = kube;
    this.#patience = patience;
  }

  request<T>(request: KubeRequest): Promise<T> {
    let isRepeated = false;
    const attempt = () => {
      if (isRepeated) request.onRepeat?.();
      isRepeated = true;
      return this.#kube.request<T>(request);
    };
    return this.#patience.outlast(attempt, mayRepeat(request), request.signal);
  }

  resource(apiVersion: string, kind: string, signal?: AbortSignal): Promise<KubeResource> {
    // It may be known from before: that says nothing of the server.
    return this.#patience.outlast(() => this.#kube.resource(apiVersion, kind, signal), true, signal, false);
  }

  watch(request: WatchRequest, signal: AbortSignal): AsyncIterable<WatchEvent> {
    return this.#kube.watch(request, signal);
  }

  logs(request: LogRequest, signal: AbortSignal): AsyncIterable<Buffer> {
    return this.#kube.logs(request, signal);
  }

  exec(request: ExecRequest, signal: AbortSignal): Promise<ExecSession> {
    return this.#kube.exec(request, signal);
  }

  connect(pod: PodIdentity, port: number, signal: AbortSignal): Promise<Duplex> {
    return this.#kube.connect(pod, port, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kube[Symbol.asyncDispose]();
  }
}
