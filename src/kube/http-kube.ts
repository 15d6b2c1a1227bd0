import type { Duplex } from 'node:stream';
import type { SleepTiming } from '../lib/sleep-watch.ts';
import type { Access } from './access.ts';
import { Discovery } from './discovery.ts';
import { openExec } from './exec.ts';
import type { HeartbeatTiming } from './heartbeat.ts';
import { requestJson } from './json-request.ts';
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
import { type LogTiming, streamLogs } from './logs.ts';
import { PortStreams, type PortTiming } from './port-streams.ts';
import { Transport } from './transport.ts';
import { type WatchTiming, watchCollection } from './watch.ts';

export interface Timing {
  readonly watch: WatchTiming;
  readonly logs: LogTiming;
  readonly heartbeat: HeartbeatTiming;
  readonly ports: PortTiming;
  readonly sleep: SleepTiming;
}

const timing: Timing = {
  watch: { idleMs: 75_000 },
  logs: { idleMs: 30_000 },
  heartbeat: { everyMs: 5000, limitMs: 10_000 },
  ports: { idleMs: 30_000, holdEndMs: 10_000, refusedMs: 600_000 },
  sleep: { everyMs: 2000, gapMs: 10_000, now: Date.now },
};

/** Speaks to an API server over HTTP/1.1 and WebSockets. Disposing it aborts everything that is under way. */
export class HttpKube implements Kube {
  readonly target: KubeTarget;
  readonly #transport: Transport;
  readonly #discovery: Discovery;
  readonly #ports: PortStreams;
  readonly #timing: Timing;

  /** @param computeAccess called once, and again after a 401. */
  constructor(target: KubeTarget, computeAccess: () => Promise<Access>, timings: Timing = timing) {
    this.target = target;
    this.#transport = new Transport(target, computeAccess, timings.sleep);
    this.#discovery = new Discovery(this.#transport);
    this.#ports = new PortStreams(this.#transport, timings);
    this.#timing = timings;
  }

  request<T>(request: KubeRequest): Promise<T> {
    return requestJson(this.#transport, request);
  }

  resource(apiVersion: string, kind: string, signal?: AbortSignal): Promise<KubeResource> {
    return this.#discovery.find(apiVersion, kind, signal);
  }

  watch(request: WatchRequest, signal: AbortSignal): AsyncIterable<WatchEvent> {
    return watchCollection(this.#transport, request, signal, this.#timing.watch);
  }

  logs(request: LogRequest, signal: AbortSignal): AsyncIterable<Buffer> {
    return streamLogs(this.#transport, request, signal, this.#timing.logs);
  }

  exec(request: ExecRequest, signal: AbortSignal): Promise<ExecSession> {
    return openExec(this.#transport, request, signal, this.#timing.heartbeat);
  }

  connect(pod: PodIdentity, port: number, signal: AbortSignal): Promise<Duplex> {
    return this.#ports.connect(pod, port, signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#ports.destroy();
    return this.#transport[Symbol.asyncDispose]();
  }
}
