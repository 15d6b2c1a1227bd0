import type { ContainerState, PodState } from '../pods/pod-state.ts';

/** A container that its node keeps down for up to five minutes before it tries again. */
export interface HeldBack {
  readonly pod: PodState;
  /** `web-7d9f/app is in back-off after exit code 1`. */
  readonly because: string;
}

/**
 * The waiting reasons of a container that was tried and failed, and whose next try is put off further each time.
 * https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/images/types.go, pkg/kubelet/container/sync_result.go
 */
const backOffReasons: ReadonlySet<string> = new Set([
  'CrashLoopBackOff',
  'ImagePullBackOff',
  'ErrImagePull',
  'CreateContainerError',
  'RunContainerError',
]);

/**
 * @returns the containers of an image, init containers too, that wait in back-off: what is synced can't reach them, and
 * what they will be started with is the image as it is. One that was not started yet, or has just ended, is none of them.
 */
export function findHeldBack(pods: readonly PodState[], image: string | undefined): readonly HeldBack[] {
  return pods.flatMap((pod) =>
    pod.deleting
      ? []
      : pod.containers
          .filter((container) => container.image === image && isHeldBack(container))
          .map((container) => ({ pod, because: `${pod.name}/${container.name} ${describe(container)}` })),
  );
}

function isHeldBack({ state, reason = '' }: ContainerState): boolean {
  return state === 'waiting' && backOffReasons.has(reason);
}

function describe({ reason, exitCode }: ContainerState): string {
  if (reason === 'CrashLoopBackOff')
    return exitCode === undefined ? 'is in back-off' : `is in back-off after exit code ${exitCode}`;
  return `can't be started (${reason})`;
}
