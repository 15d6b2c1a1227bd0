/** A running container that gets a service's files. A restarted container is another one: it has another id. */
export interface SyncTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly containerId: string;
}

/** @returns `web-7d9f/app`, as people name it. */
export function formatTarget({ pod, container }: SyncTarget): string {
  return `${pod}/${container}`;
}
