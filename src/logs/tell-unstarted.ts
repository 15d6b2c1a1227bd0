import type { Reporter } from '../events.ts';
import type { Scope } from '../lib/scope.ts';
import { explainPod } from '../pods/explain-pod.ts';
import type { PodState } from '../pods/pod-state.ts';
import type { PodView } from '../pods/pod-view.ts';
import type { SourceOf } from './follow-logs.ts';

/** A start takes its steps; one that has not come to its first line by then is worth a word. */
const usualMs = 10_000;

export interface UnstartedOptions {
  readonly view: PodView;
  readonly sourceOf: SourceOf;
  readonly report: Reporter;
}

/**
 * Says of every pod that does not start why, once each: at once where it is clear (an image that can't be pulled, no node
 * that takes it), after ten seconds where it only takes long. Ends with the scope.
 */
export function tellUnstarted(options: UnstartedOptions, scope: Scope): void {
  const { view } = options;
  const told = new Set<string>();
  const timers = scope.own(new Map<string, NodeJS.Timeout>(), (timers) => {
    for (const timer of timers.values()) clearTimeout(timer);
  });
  const look = (pod: PodState) => {
    if (told.has(pod.uid)) return;
    if (whyUnstarted(pod)?.usual === false) {
      if (tellWhy(pod, options)) told.add(pod.uid);
      return;
    }
    if (whyUnstarted(pod) && !timers.has(pod.uid))
      timers.set(
        pod.uid,
        setTimeout(() => lookAgain(pod), usualMs),
      );
  };
  const lookAgain = ({ uid }: PodState) => {
    const now = view.pods().find((each) => each.uid === uid);
    if (now && !told.has(uid) && tellWhy(now, options)) told.add(uid);
  };
  for (const pod of view.pods()) look(pod);
  const stop = view.subscribe((change) => {
    if (change.type === 'set') look(change.pod);
    else {
      told.delete(change.pod.uid);
      clearTimeout(timers.get(change.pod.uid));
      timers.delete(change.pod.uid);
    }
  });
  scope.own(stop, (stop) => stop());
}

/** @returns whether there was something to say of a pod that is asked for. */
export function tellWhy(pod: PodState, { sourceOf, report }: Omit<UnstartedOptions, 'view'>): boolean {
  const because = whyUnstarted(pod)?.because;
  const service = pod.containers.map((container) => sourceOf(pod, container)).find((source) => source !== undefined);
  if (because === undefined || service === undefined) return false;
  report({ type: 'warning', service, text: because });
  return true;
}

/** A container that has run once has a log, which says more. */
function whyUnstarted(pod: PodState) {
  const waits = pod.containers.some(({ containerId, state }) => containerId === undefined && state === 'waiting');
  if (!waits || pod.deleting || pod.ready) return undefined;
  const trouble = explainPod(pod);
  return trouble.crashed ? undefined : trouble;
}
