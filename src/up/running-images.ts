import { type ApplySetRef, readApplySet } from '../deploy/apply-set.ts';
import { askMaybe, clusterFailure } from '../deploy/ask.ts';
import { hasTimeToLive, imagesOfCompleted, readCompletedJobs } from '../deploy/completed-note.ts';
import { findResource } from '../deploy/kinds.ts';
import { pathOf } from '../kube/api-path.ts';
import type { Kube } from '../kube/kube.ts';
import { pulledImagesOf, repositoryOf } from '../manifests/images.ts';
import { idOf, type KubeObject } from '../objects.ts';
import type { Plan } from './plan.ts';

/**
 * @returns by the repository that the manifests name, what the same container or volume has in the cluster; where none does, what it
 * ran in a Job that completed and was removed by its time-to-live.
 * @throws Failure `guard` when the inventory is somebody else's, `unreachable`, `refused`; AbortError.
 */
export async function runningImages(
  kube: Kube,
  { project: { podTemplates }, objects, services }: Plan,
  ref: ApplySetRef,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const built = new Set(services.map(({ service }) => repositoryOf(service.image)));
  const [running, completed] = [new Map<string, string>(), new Map<string, string>()];
  try {
    for (const { object, services: used } of objects) {
      if (used.length === 0) continue;
      const live = await findLive(kube, object, ref, signal);
      const there = live
        ? new Map(pulledImagesOf(live, podTemplates).map(({ name, image }) => [name, image]))
        : await findCompleted(kube, object, ref, signal);
      for (const { name, image } of pulledImagesOf(object, podTemplates)) {
        const found = there.get(name);
        const repository = repositoryOf(image);
        if (found !== undefined && built.has(repository)) (live ? running : completed).set(repository, found);
      }
    }
  } catch (error) {
    throw clusterFailure(error);
  }
  return new Map([...completed, ...running]);
}

async function findLive(
  kube: Kube,
  object: KubeObject,
  { namespace }: ApplySetRef,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const resource = await findResource(kube, object.apiVersion, object.kind, signal);
  if (!resource) return undefined;
  const path = pathOf(resource, { namespace, ...object.metadata });
  return askMaybe<KubeObject>(kube, { method: 'GET', path, signal });
}

async function findCompleted(
  kube: Kube,
  object: KubeObject,
  ref: ApplySetRef,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  if (!hasTimeToLive(object)) return new Map();
  const set = await readApplySet(kube, ref, signal);
  const { namespace = ref.namespace } = object.metadata;
  return imagesOfCompleted({ ...idOf(object), namespace }, readCompletedJobs(set?.completedJobs));
}
