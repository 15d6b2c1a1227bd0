/** What containerd, runc and docker put before the cause. */
const wrappings: readonly RegExp[] = [
  /^.*\bunable to start container process: /su,
  /^.*\bOCI runtime create failed: /su,
  /^failed to create containerd task: /u,
  /^failed to create shim task: /u,
];

/**
 * @param reason of the container's status: `StartError`, `RunContainerError` …
 * @returns the last part of what a node says of a container whose program can't be started. It is the same while the node
 * tries and while it waits for the next try, so that it is told once.
 */
export function startCause(reason: string, message: string | undefined): string {
  if (!message) return reason;
  return wrappings.reduce((rest, wrapping) => rest.replace(wrapping, ''), message.trim()).replace(/: unknown$/u, '');
}
