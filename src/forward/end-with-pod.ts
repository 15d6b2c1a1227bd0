import type { Duplex } from 'node:stream';
import { Failure } from '../errors.ts';
import type { PodState } from '../pods/pod-state.ts';
import type { GonePods } from './gone-pods.ts';

/** How long a pod that has gone may take to end a connection in order: its last bytes, and the second that runtimes wait. */
const farewellMs = 3000;

/**
 * Ends a connection when its pod has gone. Usually the pod's processes end it themselves; where a whole node went nobody
 * does, and a SPDY session to it stays open without a word.
 */
export function endWithPod(
  remote: Duplex,
  pod: PodState,
  gonePods: GonePods,
  { limitMs = farewellMs }: { readonly limitMs?: number } = {},
): void {
  let timer: NodeJS.Timeout | undefined;
  const stop = gonePods.onGone(pod, () => {
    timer = setTimeout(() => {
      remote.destroy(
        new Failure('unreachable', `pod ${pod.name} is gone`, { where: `pod/${pod.name} in ${pod.namespace}` }),
      );
    }, limitMs);
  });
  remote.once('close', () => {
    clearTimeout(timer);
    stop();
  });
}
