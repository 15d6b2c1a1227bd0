import { pullCause } from './pull-cause.ts';
import type { ContainerState, PodState } from './pod-state.ts';
import { startCause } from './start-cause.ts';
import { unboundClaims } from './unbound-claims.ts';

/** How containerd and docker say that a program did not even begin, and what exit code there is is not its own. */
const unstartedReasons: ReadonlySet<string> = new Set(['StartError', 'ContainerCannotRun']);

/** What `brief` is of a pod whose image can't be pulled. */
export const unpullable = "can't be pulled";

/** Why a pod is not ready, and the container that is to blame where there is one. */
export interface PodTrouble {
  readonly because: string;
  /** The same in a few words, for a status; undefined: it only takes its time. */
  readonly brief: string | undefined;
  readonly pod: PodState;
  readonly container: ContainerState | undefined;
  /** Whether the container ended: what it printed last is then worth showing. */
  readonly crashed: boolean;
  /** A step that every start takes, unless it lasts. */
  readonly usual: boolean;
}

/** @returns what keeps a set of pods from being ready: of those that are not, the one made last tells. */
export function explainPods(pods: readonly PodState[]): PodTrouble | undefined {
  const unready = pods.filter((pod) => !pod.ready && !pod.deleting && pod.phase !== 'Succeeded');
  const newest = newestFirst(unready)[0];
  return newest && explainPod(newest);
}

/** @returns the crash of a pod that counts as ready at this moment, since the container that crashed runs again. */
export function explainRestarts(pods: readonly PodState[]): PodTrouble | undefined {
  const there = newestFirst(pods.filter((pod) => !pod.deleting));
  return there.flatMap((pod) => pod.containers.map((container) => explainRestart(pod, container))).find(Boolean);
}

/** @returns what keeps one pod, which is not ready, from being so. */
export function explainPod(pod: PodState): PodTrouble {
  const trouble = pod.containers.map((container) => explainContainer(pod, container)).find(Boolean);
  if (trouble) return trouble;
  if (pod.message !== undefined || pod.phase === 'Failed') {
    const why = schedulingWords(pod) ?? ([pod.reason, pod.message].filter(Boolean).join(': ') || 'it failed');
    const brief = pod.reason?.toLowerCase() ?? 'failed';
    // A volume takes a moment to be made, and why it is not comes as an event.
    const usual = unboundClaims(pod) !== undefined;
    return { because: `pod ${pod.name}: ${why}`, brief, pod, container: undefined, crashed: false, usual };
  }
  const unready = pod.containers.find(({ init, state, ready }) => (init ? state === 'running' : !ready));
  const again = unready && explainRestart(pod, unready);
  if (again) return again;
  const because = unready ? startingText(pod, unready) : `pod ${pod.name}: ${pod.phase.toLowerCase()}`;
  return { because, brief: undefined, pod, container: unready, crashed: false, usual: true };
}

/** @returns what to say of a container that has just begun to run, as long as it is not known whether it stays. */
export function explainFresh(pod: PodState, container: ContainerState): PodTrouble {
  const of = `container ${container.name} of pod ${pod.name}`;
  return (
    explainRestart(pod, container) ?? {
      because: `${of} has just started`,
      brief: undefined,
      pod,
      container,
      crashed: false,
      usual: true,
    }
  );
}

/** @returns what ended the run before of a container that runs again; undefined where that was no crash. */
function explainRestart(pod: PodState, container: ContainerState): PodTrouble | undefined {
  const { name, state, exitCode = 0, restarts } = container;
  if (state !== 'running' || restarts === 0 || exitCode === 0) return undefined;
  const because = `container ${name} of pod ${pod.name} crashed: ${ending(container)}, ${times(restarts)}, and runs again`;
  return { because, brief: `crashed${exit(exitCode)}, ${times(restarts)}`, pod, container, crashed: true, usual: true };
}

function newestFirst(pods: readonly PodState[]): readonly PodState[] {
  return pods.toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
}

function explainContainer(pod: PodState, container: ContainerState): PodTrouble | undefined {
  const { name, image, state, reason = '', message, exitCode, restarts } = container;
  const trouble = (because: string, brief: string, crashed = false): PodTrouble => ({
    because,
    brief,
    pod,
    container,
    crashed,
    usual: false,
  });
  const of = `container ${name} of pod ${pod.name}`;
  const unstarted = unstartedCause(container);
  // The words are the same at every try: it is told once.
  if (unstarted !== undefined) return trouble(`${of} can't be started: ${unstarted}`, "can't be started");
  if (state === 'waiting') {
    // https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/images/types.go
    if (/^(ErrImage|ImagePull|InvalidImage|ImageInspect|Registry)/.test(reason))
      return trouble(`image ${image} of ${of} can't be pulled: ${pullCause(image, reason, message)}`, unpullable);
    if (reason === 'CrashLoopBackOff')
      return trouble(
        `${of} keeps crashing: ${ending(container)}, ${times(restarts)}`,
        `crash loop${exit(exitCode)}, ${times(restarts)}`,
        true,
      );
    if (reason.endsWith('Error'))
      return trouble(`${of} can't be started: ${reason}${message ? `, ${message}` : ''}`, "can't be started");
    return undefined;
  }
  if (state !== 'terminated' || exitCode === undefined || exitCode === 0) return undefined;
  return trouble(
    `${of} crashed: ${ending(container)}${restarts > 0 ? `, ${times(restarts)}` : ''}`,
    `crashed${exit(exitCode)}${restarts > 0 ? `, ${times(restarts)}` : ''}`,
    true,
  );
}

function startingText(pod: PodState, { name, init, state, reason }: ContainerState): string {
  const of = `container ${name} of pod ${pod.name}`;
  if (init) return `init ${of} is running`;
  return state === 'running' ? `${of} is running, not ready` : `${of} is starting${reason ? `: ${reason}` : ''}`;
}

/** What is short, before the scheduler's account of every node; without what it says of taking other pods' place. */
function schedulingWords(pod: PodState): string | undefined {
  const { reason, message = '' } = pod;
  if (reason !== 'Unschedulable') return undefined;
  const said = message.replace(/\.? preemption:.*$/su, '');
  const short = [...new Set([...said.matchAll(/Insufficient ([\w./-]*\w)/g)].map(([, resource]) => resource))];
  if (short.length > 0) return `no node has enough ${short.join(' and ')} left for it: ${said}`;
  if (/untolerated taint \{node\.kubernetes\.io\/(?:not-ready|unreachable)\b/.test(said))
    return `no node that is ready takes it: ${said}`;
  const unbound = unboundClaims(pod);
  if (unbound !== undefined) return unbound.words;
  const claim = /persistentvolumeclaim "([^"]+)" not found/.exec(said)?.[1];
  return claim === undefined ? `Unschedulable: ${said}` : `its claim ${claim} is not there`;
}

/**
 * Why the program of a container can't be started, as a node says while it tries and before the next try; undefined where
 * it was. https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/kuberuntime/kuberuntime_container.go
 */
function unstartedCause({
  state,
  reason = '',
  message,
  endReason = '',
  endMessage,
}: ContainerState): string | undefined {
  if (state === 'waiting' && /^(RunContainer|StartContainer)Error$/.test(reason)) return startCause(reason, message);
  const isOver = state === 'terminated' || reason === 'CrashLoopBackOff';
  return isOver && unstartedReasons.has(endReason) ? startCause(endReason, endMessage) : undefined;
}

/** How the last run ended: a node says for certain when a memory limit was why, whatever the exit code is. */
function ending({ exitCode, endReason }: ContainerState): string {
  const code = exitCode === undefined ? 'it ended' : `exit code ${exitCode}`;
  if (endReason === 'OOMKilled') return `it was killed at its memory limit (OOMKilled), ${code}`;
  return exitCode === 137 ? `${code} (killed)` : code;
}

function exit(exitCode: number | undefined): string {
  return exitCode === undefined ? '' : `, exit ${exitCode}`;
}

function times(restarts: number): string {
  return restarts === 1 ? '1 restart' : `${restarts} restarts`;
}
