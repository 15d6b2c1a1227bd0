import { Failure } from '../errors.ts';
import { abortError, LinkedSignal } from '../lib/abort.ts';
import { outlast } from '../lib/outlast.ts';
import { backoff, wait } from '../lib/wait.ts';
import type { KubeObject } from '../objects.ts';
import { withQuery } from './api-path.ts';
import { parseJsonLines } from './json-lines.ts';
import { requestJson } from './json-request.ts';
import { ApiError, LoginFailure, metadataOfList, metadataOfOne, type WatchEvent, type WatchRequest } from './kube.ts';
import { isOutage } from './outage.ts';
import { askedPauseMs, passingOf } from './passing.ts';
import { Slept } from './slept.ts';
import { type Status, statusError } from './status.ts';
import type { Transport } from './transport.ts';

interface ObjectList {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly KubeObject[] | null;
}

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes */
type StreamEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: KubeObject }
  | { readonly type: 'ERROR'; readonly object: Status };

export interface WatchTiming {
  /** A stream that said nothing for this long is opened anew. A bookmark comes about once a minute. */
  readonly idleMs: number;
}

/**
 * @see Kube.watch
 *
 * A stream that ends as it should (its time was up, or it was silent) goes on from the last version, and nobody hears of
 * it. After a cut the collection is listed again: the server behind the address may be another one by then (a cluster
 * made anew), to which old versions mean nothing, and the list tells the reader that the view is current again.
 */
export async function* watchCollection(
  transport: Transport,
  request: WatchRequest,
  signal: AbortSignal,
  timing: WatchTiming,
): AsyncGenerator<WatchEvent, void, void> {
  const delays = backoff(200, 10_000);
  let version: string | undefined;
  let lost: 'no' | 'away' | 'refused' = 'no';
  for (;;) {
    let openedAt: number | undefined;
    let isListed = version !== undefined;
    try {
      if (version === undefined) {
        const list = await readList(transport, request, signal);
        version = list.metadata.resourceVersion;
        lost = 'no';
        isListed = true;
        yield { type: 'list', objects: objectsOf(list) };
      }
      const onOpen = () => {
        openedAt = performance.now();
      };
      for await (const { type, object } of readStream(transport, request, version, signal, { ...timing, onOpen })) {
        version = object.metadata.resourceVersion;
        if (type !== 'BOOKMARK') yield { type: type === 'DELETED' ? 'gone' : 'set', object };
      }
    } catch (error) {
      if (signal.aborted) throw abortError(signal);
      if (isFinal(error)) throw error;
      version = undefined;
      // After a sleep nobody knows yet whether anything was lost: the list tells.
      const now = error instanceof LoginFailure ? 'refused' : 'away';
      // A stream that a busy server does not open is none that was lost: the list waits for it.
      const isMoment = isListed && isTooBusy(error);
      if (!isMoment && !isExpired(error) && !hasSlept(error) && lost !== 'refused' && lost !== now) {
        lost = now;
        yield { type: 'lost', cause: error as Error };
      }
    }
    if (openedAt !== undefined) delays.servedFor(performance.now() - openedAt);
    await wait(delays.next(), signal);
  }
}

/** A server that is busy for a moment has lost nothing. */
async function readList(transport: Transport, request: WatchRequest, signal: AbortSignal): Promise<ObjectList> {
  const { path, labelSelector, fieldSelector, metadataOnly } = request;
  const accept = metadataOnly ? metadataOfList : 'application/json';
  const query = { labelSelector, fieldSelector };
  return outlast(
    () => requestJson<ObjectList>(transport, { method: 'GET', path, query, accept, signal }),
    {
      lasting: (error) => {
        if (!isTooBusy(error)) return undefined;
        return { kind: 'busy', forMs: busyMs, pauseMs: askedPauseMs(error) };
      },
    },
    signal,
  );
}

/** The items of a typed list name neither their kind nor their version. */
function objectsOf({ apiVersion, kind, items }: ObjectList): readonly KubeObject[] {
  const type = { apiVersion, kind: kind.replace(/List$/, '') };
  // The list is this function's own, fresh from JSON.parse, and may be long: its items are completed where they are.
  return (items ?? []).map((item) => (item.kind ? item : Object.assign(item, type)));
}

/** Ends when the server ends the stream, or when it has been silent for too long. */
async function* readStream(
  transport: Transport,
  { path, labelSelector, fieldSelector, metadataOnly }: WatchRequest,
  resourceVersion: string,
  signal: AbortSignal,
  { idleMs, onOpen }: WatchTiming & { readonly onOpen: () => void },
): AsyncGenerator<Exclude<StreamEvent, { type: 'ERROR' }>, void, void> {
  const query = {
    watch: true,
    allowWatchBookmarks: true,
    resourceVersion,
    // As client-go: so that not all watches end at once.
    timeoutSeconds: 300 + Math.floor(Math.random() * 300),
    labelSelector,
    fieldSelector,
  };
  using link = new LinkedSignal(signal);
  let opened = false;
  let silent = false;
  const timer = setTimeout(() => {
    silent = true;
    link.abort(undefined);
  }, idleMs);
  try {
    const target = {
      method: 'GET',
      path: withQuery(path, query),
      lasting: true,
      headers: { accept: metadataOnly ? metadataOfOne : 'application/json' },
    };
    const { body } = await transport.open(target, link.signal);
    opened = true;
    onOpen();
    for await (const event of parseJsonLines<StreamEvent>(body, () => timer.refresh())) {
      if (event.type === 'ERROR') throw statusError(event.object, 'GET', path);
      yield event;
    }
  } catch (error) {
    if (silent && opened && !signal.aborted) return;
    const late = Object.assign(new Error(`no answer within ${idleMs} ms`), { code: 'ETIMEDOUT' });
    throw transport.explain(silent ? late : error, signal, `the watch of ${path}`);
  } finally {
    clearTimeout(timer);
  }
}

/** For so long a server that is too busy to list is asked again before it counts as lost. */
const busyMs = 5000;

function isTooBusy(error: unknown): boolean {
  const passing = passingOf(error);
  return passing === 'busy' || passing === 'refused';
}

function isExpired(error: unknown): boolean {
  return error instanceof ApiError && error.status === 410;
}

function hasSlept(error: unknown): boolean {
  return error instanceof Failure && error.cause instanceof Slept;
}

/** What asking again can't mend: who asks may not, or there is no such collection. */
function isFinal(error: unknown): boolean {
  if (error instanceof ApiError) return !isExpired(error) && passingOf(error) === undefined;
  return !isOutage(error);
}
