import type { Duplex } from 'node:stream';
import { Failure } from '../errors.ts';
import type { PodState } from '../pods/pod-state.ts';
import type { PodView } from '../pods/pod-view.ts';

/** How long a pod that has gone may take to end a connection in order: its last bytes, and the second that runtimes wait. */
const farewellMs = 3000;

/**
 * Ends a connection when its pod has gone: deleted, or with no container that runs again. Usually the pod's processes end
 * it themselves; where a whole node went nobody does, and a SPDY session to it stays open without a word.
 *
 * @param views those that may see the pod.
 */
export function endWithPod(
  remote: Duplex,
  pod: PodState,
  views: readonly PodView[],
  { limitMs = farewellMs }: { readonly limitMs?: number } = {},
): void {
  let timer: NodeJS.Timeout | undefined;
  const gone = () => {
    timer ??= setTimeout(() => {
      remote.destroy(
        new Failure('unreachable', `pod ${pod.name} is gone`, { where: `pod/${pod.name} in ${pod.namespace}` }),
      );
    }, limitMs);
  };
  const stops = views.map((view) =>
    view.subscribe((change) => {
      if (change.pod.uid === pod.uid && (change.type === 'gone' || isOver(change.pod))) gone();
    }),
  );
  // It may have gone while the connection was made.
  if (!views.some((view) => view.pods().some(({ uid }) => uid === pod.uid))) gone();
  remote.once('close', () => {
    clearTimeout(timer);
    for (const stop of stops) stop();
  });
}

function isOver({ phase }: PodState): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}
