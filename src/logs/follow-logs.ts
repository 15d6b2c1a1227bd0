import type { Drained, ExpectPod, Reporter } from '../events.ts';
import { isForbidden, type Kube } from '../kube/kube.ts';
import type { Mask } from '../lib/mask.ts';
import { Scope } from '../lib/scope.ts';
import type { ContainerState, PodState } from '../pods/pod-state.ts';
import type { PodView } from '../pods/pod-view.ts';
import { ContainerFollower } from './container-follower.ts';
import type { DoubtTiming } from './doubt.ts';
import type { LineRules } from './exclude.ts';
import { filterFor } from './exclude.ts';
import type { Known, LogStart } from './log-choice.ts';
import { Recovery } from './recovery.ts';
import { explainRefusal, Refusals } from './refused.ts';

/** @returns whose lines these are: the service, or the workload where no service builds the image; undefined: not told. */
export type SourceOf = (pod: PodState, container: ContainerState) => string | undefined;

export interface FollowLogsOptions extends LineRules {
  readonly kube: Kube;
  readonly view: PodView;
  readonly sourceOf: SourceOf;
  /** For containers that are there when the follow begins; those that come later are told from their first line. */
  readonly start: LogStart;
  /** What it knows is hidden before a line is reported. */
  readonly mask: Mask;
  /** Resolves when the mask knows what a pod's containers may print; awaited before a line of each stream is told. */
  readonly known?: Known | undefined;
  readonly report: Reporter;
  readonly expectPod?: ExpectPod | undefined;
  readonly drained: Drained;
  /** When a silent stream is doubted; default: about once a minute. */
  readonly doubt?: DoubtTiming;
  readonly signal: AbortSignal;
}

const usualDoubt: DoubtTiming = { quietMs: 60_000, floodMs: 2000, graceMs: 2000, answerMs: 10_000 };

/**
 * Tells every line of every container of the view's pods as `log` reports, init containers too, as pods come, restart
 * and go: each line once, the lines of one container in order, whatever happens to the connections. Resolves after the
 * abort, when every stream is closed. A namespace whose logs are refused is reported as `failed`, once, while others are
 * read. Throws a Failure when the cluster refuses all logs, or the pods.
 */
export async function followLogs(options: FollowLogsOptions): Promise<void> {
  const { view, signal } = options;
  await using scope = new Scope(signal);
  const recovery = new Recovery(options.report);
  const followed = new Set<string>();
  const refusals = new Refusals(options.report);
  await new Promise<void>((resolve, reject) => {
    const follow = (pod: PodState, isNew: boolean) => {
      for (const container of pod.containers) {
        const key = `${pod.uid}/${container.name}`;
        const source = followed.has(key) ? undefined : options.sourceOf(pod, container);
        if (source === undefined) continue;
        const filter = filterFor(options, source, container.name);
        if (filter.everything) continue;
        followed.add(key);
        options.expectPod?.({ source, namespace: pod.namespace, pod: pod.name });
        refusals.add(pod);
        const { kube, mask, known, report, drained, doubt = usualDoubt } = options;
        const ignoredRuns = isNew ? 0 : container.restarts;
        const hasBegun = container.containerId !== undefined || container.state !== 'waiting';
        const start = isNew || !hasBegun ? 'all' : options.start;
        const shared = { kube, view, recovery, mask, known, report, drained, doubt, source, filter, pod };
        scope.run(
          async (signal) => {
            await new ContainerFollower({ ...shared, container: container.name, ignoredRuns, start }, signal).run();
            followed.delete(key);
            refusals.remove(pod);
          },
          (error) => {
            const failure = explainRefusal(pod, error);
            if (!isForbidden(error) || !refusals.take(pod, failure)) return reject(failure);
            // Not asked for again as long as it is there.
            scope.run(async (signal) => {
              await view.until((pods) => !pods.some(({ uid }) => uid === pod.uid), signal);
              followed.delete(key);
            }, reject);
          },
        );
      }
    };
    const begin = async () => {
      const there = await view.until(() => true, scope.signal);
      for (const pod of there) follow(pod, false);
      const stop = view.subscribe((change) => change.type === 'set' && follow(change.pod, true));
      scope.own(stop, (stop) => stop());
      for (const pod of view.pods()) follow(pod, true);
    };
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
    scope.run(begin, reject);
  });
}
