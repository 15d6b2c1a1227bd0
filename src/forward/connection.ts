import type { Socket } from 'node:net';
import { Failure } from '../errors.ts';
import { isNobodyThere } from '../kube/port-refusal.ts';
import type { PodState } from '../pods/pod-state.ts';
import { declared } from './find-upstream.ts';
import { type Connected, Hold, type HoldOptions } from './hold.ts';
import { EarlyBytes, splice } from './splice.ts';

/** What became of a client: `served` when it was connected to a pod, `left` when it did not wait for that. */
export type ClientEnd =
  | { readonly kind: 'served' }
  | { readonly kind: 'left' }
  | { readonly kind: 'refused'; readonly because: string };

/**
 * Serves one client to its end: holds it until a pod is ready, connects and copies both ways. A pod that refuses before it
 * took a byte is as good as none.
 *
 * An abort is no error: it is as if the client had left.
 */
export async function serveClient(client: Socket, options: HoldOptions): Promise<ClientEnd> {
  const early = new EarlyBytes(client);
  using hold = new Hold(client, options);
  try {
    for (;;) {
      const found = await hold.connect();
      if (typeof found === 'string') return found === '' ? { kind: 'left' } : { kind: 'refused', because: found };
      const { error, answered, isIntact } = await splice(client, found.remote, early, hold.signal);
      found.release();
      if (!error || answered || options.signal.aborted) return { kind: 'served' };
      const { because, again } = refusalOf(error, found);
      if (isIntact && again && hold.takesBack(found, because)) continue;
      if (isIntact) client.resetAndDestroy();
      return { kind: 'refused', because };
    }
  } finally {
    client.destroy();
  }
}

/**
 * Why the far side failed before it answered, and whether another try may get one: nobody listens (yet), or the pod went away
 * (`network namespace for sandbox … is closed`, says containerd).
 */
function refusalOf(error: Error, { pod, port }: Connected): { readonly because: string; readonly again: boolean } {
  const said = (error instanceof Failure ? error.detail : undefined) ?? error.message;
  if (isNobodyThere(said))
    return {
      because: `pod ${pod.name}: nothing listens on ${port}${hintFor(pod, port)}`,
      again: mayListenSoon(pod, port),
    };
  return { because: error.message, again: /is closed|not found|not running/i.test(said) };
}

/** A program that was started a moment ago may listen soon, unless its pod declares other ports only. */
function mayListenSoon({ containers }: PodState, port: number): boolean {
  const youngMs = 30_000;
  const declaring = containers.filter(({ ports }) => ports.length > 0);
  const candidates = declaring.length === 0 ? containers : declaring.filter((each) => has(each, port));
  return candidates.some(
    ({ state, startedAt }) => state !== 'running' || Date.now() - Date.parse(startedAt ?? '') < youngMs,
  );
}

function hintFor(pod: PodState, port: number): string {
  return pod.containers.some((each) => has(each, port)) ? ', which its container declares' : declared(pod);
}

function has({ ports }: PodState['containers'][number], port: number): boolean {
  return ports.some((each) => each.port === port);
}
