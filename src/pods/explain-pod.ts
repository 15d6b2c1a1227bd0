import type { ContainerState, PodState } from './pod-state.ts';

/** Why a pod is not ready, and the container that is to blame where there is one. */
export interface PodTrouble {
  readonly because: string;
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
  const newest = unready.toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1))[0];
  return newest && explainPod(newest);
}

/** @returns what keeps one pod, which is not ready, from being so. */
export function explainPod(pod: PodState): PodTrouble {
  const trouble = pod.containers.map((container) => explainContainer(pod, container)).find(Boolean);
  if (trouble) return trouble;
  if (pod.message !== undefined || pod.phase === 'Failed') {
    const why = [pod.reason, pod.message].filter(Boolean).join(': ') || 'it failed';
    return { because: `pod ${pod.name}: ${why}`, pod, container: undefined, crashed: false, usual: false };
  }
  const unready = pod.containers.find(({ init, state, ready }) => (init ? state === 'running' : !ready));
  const because = unready ? startingText(pod, unready) : `pod ${pod.name}: ${pod.phase.toLowerCase()}`;
  return { because, pod, container: unready, crashed: false, usual: true };
}

function explainContainer(pod: PodState, container: ContainerState): PodTrouble | undefined {
  const { name, image, state, reason = '', message, exitCode, restarts } = container;
  const trouble = (because: string, crashed = false): PodTrouble => ({
    because,
    pod,
    container,
    crashed,
    usual: false,
  });
  const of = `container ${name} of pod ${pod.name}`;
  if (state === 'waiting') {
    // https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/images/types.go
    if (/^(ErrImage|ImagePull|InvalidImage|ImageInspect|Registry)/.test(reason))
      return trouble(`image ${image} of ${of} can't be pulled: ${reason}${message ? `, ${message}` : ''}`);
    if (reason === 'CrashLoopBackOff')
      return trouble(`${of} keeps crashing: ${ending(exitCode)}, ${times(restarts)}`, true);
    if (reason.endsWith('Error')) return trouble(`${of} can't be started: ${reason}${message ? `, ${message}` : ''}`);
    return undefined;
  }
  if (state !== 'terminated' || exitCode === undefined || exitCode === 0) return undefined;
  const killed = reason === 'OOMKilled' ? `it was killed at its memory limit (OOMKilled), ` : '';
  return trouble(`${of} crashed: ${killed}${ending(exitCode)}, ${times(restarts)}`, true);
}

function startingText(pod: PodState, { name, init, state, reason }: ContainerState): string {
  const of = `container ${name} of pod ${pod.name}`;
  if (init) return `init ${of} is running`;
  return state === 'running' ? `${of} is running, not ready` : `${of} is starting${reason ? `: ${reason}` : ''}`;
}

function ending(exitCode: number | undefined): string {
  if (exitCode === 137) return 'exit code 137 (killed, as when its memory limit is reached)';
  return exitCode === undefined ? 'it ended' : `exit code ${exitCode}`;
}

function times(restarts: number): string {
  return restarts === 1 ? '1 restart' : `${restarts} restarts`;
}
