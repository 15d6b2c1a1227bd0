import type { SyncTarget } from '../../../src/sync/sync-target.ts';
import { kubectl } from '../../support/lab.ts';

/** Starts a pod with one container, `app`, and waits until it is ready. */
export async function startPod(
  namespace: string,
  name: string,
  container: object,
  volumes: readonly object[] = [],
): Promise<SyncTarget> {
  const containers = [{ name: 'app', imagePullPolicy: 'IfNotPresent', ...container }];
  const spec = { terminationGracePeriodSeconds: 1, containers, volumes };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, spec };
  await kubectl(['apply', '-f', '-'], JSON.stringify(pod));
  await untilPod(namespace, name, 'condition=Ready');
  return targetOf(namespace, name);
}

/** @param condition as `kubectl wait --for` takes it. */
export async function untilPod(namespace: string, name: string, condition: string): Promise<void> {
  await kubectl(['wait', '-n', namespace, `--for=${condition}`, '--timeout=120s', `pod/${name}`]);
}

/** The run of the container that there is now. */
export async function targetOf(namespace: string, name: string): Promise<SyncTarget> {
  const id = '-o=jsonpath={.status.containerStatuses[0].containerID}';
  const containerId = await kubectl(['get', 'pod', '-n', namespace, name, id]);
  return { namespace, pod: name, container: 'app', containerId };
}
