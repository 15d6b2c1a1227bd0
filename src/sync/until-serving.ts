import { request } from 'node:http';
import type { Kube } from '../kube/kube.ts';
import { LinkedSignal } from '../lib/abort.ts';
import { wait } from '../lib/wait.ts';
import { type HttpProbe, type Probe, readTarget } from './read-target.ts';
import { runInContainer } from './run-in-container.ts';
import type { SyncTarget } from './sync-target.ts';

export type Serving =
  | { readonly kind: 'serving' }
  /** There is nothing to ask: that its process runs says nothing of what it serves. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'late'; readonly seconds: number }
  | { readonly kind: 'gone'; readonly because: string };

const lateSeconds = 30;
/** As the kubelet gives a probe, by default. */
const answerMs = 1000;
const pauseMs = 25;
/** How often it is asked of the cluster whether the container is there at all. */
const lookMs = 500;

/**
 * Asks what a container's probe asks, until it answers well. The pod's own condition can't tell: a restart of the process
 * is quicker than most probes' periods, and never makes it unready.
 *
 * @throws AbortError.
 */
export async function untilServing(
  kube: Kube,
  target: SyncTarget,
  probe: Probe | undefined,
  signal: AbortSignal,
): Promise<Serving> {
  if (!probe) return { kind: 'unknown' };
  const end = performance.now() + lateSeconds * 1000;
  let lookAt = performance.now() + lookMs;
  for (;;) {
    const isServing = await passes(kube, target, probe, signal);
    // What answers may be the container's next run, which has none of the files.
    if (isServing || performance.now() >= lookAt) {
      const facts = await readTarget(kube, target, signal);
      if (facts.kind === 'gone') return facts;
      if (isServing) return { kind: 'serving' };
      lookAt = performance.now() + lookMs;
    }
    if (performance.now() > end) return { kind: 'late', seconds: lateSeconds };
    await wait(pauseMs, signal);
  }
}

/** One try, as the kubelet would make it, but for its time limit. */
async function passes(kube: Kube, target: SyncTarget, probe: Probe, signal: AbortSignal): Promise<boolean> {
  using either = new LinkedSignal(signal);
  const timer = setTimeout(() => either.abort(new Error('no answer')), answerMs);
  try {
    if (probe.kind === 'http') return await answersWell(kube, target, probe, either.signal);
    const end = await runInContainer(kube, target, probe.command, either.signal);
    return end.kind === 'ended' && end.exitCode === 0;
  } catch {
    signal.throwIfAborted();
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#http-probes */
async function answersWell(
  kube: Kube,
  { namespace, pod }: SyncTarget,
  { path, port, headers }: HttpProbe,
  signal: AbortSignal,
): Promise<boolean> {
  const stream = await kube.connect({ namespace, pod }, port, signal);
  try {
    return await new Promise<boolean>((resolve) => {
      const fail = () => resolve(false);
      stream.once('error', fail).once('close', fail);
      const asked = request({
        path,
        headers: { host: 'localhost', connection: 'close', ...headers },
        createConnection: () => stream,
      });
      asked
        .once('error', fail)
        .once('response', ({ statusCode = 0 }) => resolve(statusCode >= 200 && statusCode < 400));
      asked.end();
    });
  } finally {
    stream.on('error', () => {}).destroy();
  }
}
