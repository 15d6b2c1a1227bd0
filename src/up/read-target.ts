import { askMaybe } from '../deploy/ask.ts';
import { pathOf } from '../kube/api-path.ts';
import type { Kube } from '../kube/kube.ts';
import type { KubeObject } from '../objects.ts';
import type { ForwardKind } from '../project.ts';

const apiVersions: Readonly<Record<ForwardKind, string>> = {
  Service: 'v1',
  Deployment: 'apps/v1',
  StatefulSet: 'apps/v1',
  DaemonSet: 'apps/v1',
  ReplicaSet: 'apps/v1',
  Job: 'batch/v1',
  Pod: 'v1',
};

export interface NamedTarget {
  readonly kind: ForwardKind;
  readonly name: string;
  readonly namespace: string;
}

/** @returns what a forward leads to, as it stands in the cluster. @throws ApiError; Failure `unreachable`; AbortError. */
export async function readTarget(
  kube: Kube,
  { kind, ...id }: NamedTarget,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const resource = await kube.resource(apiVersions[kind], kind, signal);
  return askMaybe<KubeObject>(kube, { method: 'GET', path: pathOf(resource, id), signal });
}

/** @returns the names of what a cluster has of a kind. @throws as `readTarget`. */
export async function namesLike(
  kube: Kube,
  { kind, namespace }: NamedTarget,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const resource = await kube.resource(apiVersions[kind], kind, signal);
  const list = await askMaybe<{ readonly items?: readonly KubeObject[] }>(kube, {
    method: 'GET',
    path: pathOf(resource, { namespace }),
    signal,
  });
  return (list?.items ?? []).map(({ metadata }) => metadata.name);
}
