import type { Duplex } from 'node:stream';
import { Failure, type FailureFacts } from '../errors.ts';
import type { KubeObject } from '../objects.ts';

/**
 * Transport to one API server, and nothing of what is said over it. Every call that can wait takes a signal: an abort
 * ends it with AbortError at once and frees its connection. What the server answers with a Status is an `ApiError`, but for a
 * 401 that credentials asked for anew do not change: that is a `LoginFailure`. A server that can't be reached, or closes
 * half-way, is a `Failure` of kind `unreachable` with its cause.
 */
export interface Kube extends AsyncDisposable {
  readonly target: KubeTarget;

  /** One request, one JSON answer. A body goes out as it is: no field is dropped or renamed. */
  request<T>(request: KubeRequest): Promise<T>;

  /** Where objects of a kind live. Asks discovery once per API version and again when a kind is not known yet. */
  resource(apiVersion: string, kind: string, signal?: AbortSignal): Promise<KubeResource>;

  /**
   * A list, then every change to it, for as long as the signal is not aborted: a cut, a time-out or a 410 is taken up
   * again (a fresh `list` event replaces everything before it), with back-off, and so are credentials that are refused. Ends
   * with an ApiError only for what trying again can't mend (403, 404).
   */
  watch(request: WatchRequest, signal: AbortSignal): AsyncIterable<WatchEvent>;

  /**
   * The bytes of one container's log, until the container ends, the connection breaks (an error) or the abort. One that is
   * not followed and gives nothing for half a minute counts as broken; of one that is followed nobody knows.
   */
  logs(request: LogRequest, signal: AbortSignal): AsyncIterable<Buffer>;

  /** A process in a container. Resolves when it has been started; refusals (no pod, no container) are ApiErrors. */
  exec(request: ExecRequest, signal: AbortSignal): Promise<ExecSession>;

  /**
   * One TCP connection to a port of a pod. Resolves when there is a way to the pod; the stream errors with the kubelet's
   * message when nobody listens there, and is reset when the other side is. Its local end reaches the pod where the
   * protocol can say it, and in every case the answer is read to its end.
   */
  connect(pod: PodIdentity, port: number, signal: AbortSignal): Promise<Duplex>;
}

export interface KubeTarget {
  readonly context: string;
  /** The server's URL. */
  readonly server: string;
  /** What stands before it: the server's address is then as it sees it. Without the name and password that it may take. */
  readonly proxy?: string | undefined;
  /** The namespace of the context, or `default`. */
  readonly namespace: string;
}

export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** Default: application/json. */
  readonly contentType?: string;
  readonly accept?: string;
  /** Told the status of a good answer: 201 where a write made something that was not there. */
  readonly onStatus?: (status: number) => void;
  /** Called before it is made again, when it may have been done. */
  readonly onRepeat?: () => void;
  readonly signal?: AbortSignal | undefined;
  /** Until the whole answer is there. Default: 30 s. */
  readonly timeoutMs?: number;
}

/**
 * What to accept where nothing but the metadata of an object is wanted back.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#metadata-only-fetches
 */
export const metadataOfOne = metadataAs('PartialObjectMetadata');

/** As `metadataOfOne`, of a collection. */
export const metadataOfList = metadataAs('PartialObjectMetadataList');

function metadataAs(kind: string): string {
  return `application/json;as=${kind};g=meta.k8s.io;v=v1`;
}

export interface KubeResource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

export interface WatchRequest {
  /** The collection: `/api/v1/namespaces/storm/pods`. */
  readonly path: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Objects come with their metadata alone. */
  readonly metadataOnly?: boolean;
}

export type WatchEvent<T = KubeObject> =
  | { readonly type: 'list'; readonly objects: readonly T[] }
  | { readonly type: 'set'; readonly object: T }
  | { readonly type: 'gone'; readonly object: T }
  /**
   * The stream broke; what was seen may be old until the next `list` or `set`. Reported once per cut, and once more when it
   * can't be mended because the credentials are refused (`LoginFailure`).
   */
  | { readonly type: 'lost'; readonly cause: Error };

export interface PodRef {
  readonly namespace: string;
  readonly pod: string;
}

/** With a uid: this pod, and no other that comes to have its name. */
export interface PodIdentity extends PodRef {
  readonly uid?: string | undefined;
}

interface ContainerRef extends PodRef {
  readonly container: string;
}

export interface LogRequest extends ContainerRef {
  readonly follow?: boolean;
  readonly timestamps?: boolean;
  readonly previous?: boolean;
  readonly tailLines?: number;
  /** RFC 3339; the server rounds it down to the second. */
  readonly sinceTime?: string;
}

export interface ExecRequest extends ContainerRef {
  readonly command: readonly string[];
  /** Whether the process gets a standard input. */
  readonly stdin?: boolean;
}

export interface ExecSession extends AsyncDisposable {
  /** Resolves when the bytes are handed on and there is room for more; rejects when the session has ended. */
  write(bytes: Buffer): Promise<void>;
  /** Closes the process's standard input, where the server can (v5.channel.k8s.io; on v4 it ends the session). */
  endInput(): Promise<void>;
  readonly stdout: AsyncIterable<Buffer>;
  readonly stderr: AsyncIterable<Buffer>;
  /** How it ended; rejects when the connection broke before the server said. Never an unhandled rejection. */
  readonly ended: Promise<ExecEnd>;
}

export interface ExecEnd {
  /** undefined when the process could not be started; `message` says why. */
  readonly exitCode: number | undefined;
  readonly message: string | undefined;
}

/**
 * The cluster does not accept who asks (a 401 whose ApiError is the cause), or the credentials can't be had: until somebody
 * logs in, which the next try then finds. Its `next` says how.
 */
export class LoginFailure extends Failure {
  constructor(message: string, facts: FailureFacts) {
    super('refused', message, facts);
  }
}

/** What the API server refused, as its Status says. https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
export class ApiError extends Error {
  readonly status: number;
  /** `NotFound`, `Conflict`, `Forbidden`, `Invalid` … */
  readonly reason: string;
  readonly method: string;
  readonly path: string;
  readonly details: StatusDetails | undefined;

  constructor(answer: {
    status: number;
    reason: string;
    message: string;
    method: string;
    path: string;
    details?: StatusDetails | undefined;
  }) {
    super(answer.message);
    this.name = 'ApiError';
    this.status = answer.status;
    this.reason = answer.reason;
    this.method = answer.method;
    this.path = answer.path;
    this.details = answer.details;
  }
}

/** Whether the account lacks a right. */
export function isForbidden(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 403;
}

/** Whether what was asked for is not there. */
export function isNotFound(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 404;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly retryAfterSeconds?: number;
  readonly causes?: readonly { readonly reason?: string; readonly message?: string; readonly field?: string }[];
}
