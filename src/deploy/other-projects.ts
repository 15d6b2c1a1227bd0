import { isForbidden, type Kube } from '../kube/kube.ts';
import { nearest } from '../lib/nearest.ts';
import type { ObjectMeta } from '../objects.ts';
import { projectLabel } from '../objects.ts';
import { type ApplySetRef, idLabel } from './apply-set.ts';
import { clusterFailure } from './ask.ts';
import { listMetadata } from './list-metadata.ts';

/** What there is besides a project that is not where somebody looks for it. */
export interface OtherProjects {
  /** Their names, in that namespace: one that is written nearly the same comes first. */
  readonly here: readonly string[];
  readonly near: string | undefined;
  /** The namespaces that have one of its name. */
  readonly elsewhere: readonly string[];
}

/** @returns what the account may see of it. @throws Failure `unreachable`, `refused`; AbortError. */
export async function findOtherProjects(kube: Kube, ref: ApplySetRef, signal: AbortSignal): Promise<OtherProjects> {
  try {
    const inventories = await listInventories(kube, ref.namespace, signal);
    const named = inventories.flatMap(({ name, namespace, labels }) => {
      const project = labels?.[projectLabel];
      return project !== undefined && name === `stormctl-${project}` ? [{ project, namespace }] : [];
    });
    const here = named.filter(({ namespace }) => namespace === ref.namespace).map(({ project }) => project);
    const near = nearest(ref.name, here);
    return {
      here: [...new Set([...(near === undefined ? [] : [near]), ...here.toSorted()])],
      near,
      elsewhere: named.flatMap(({ project, namespace }) =>
        project === ref.name && namespace !== undefined && namespace !== ref.namespace ? [namespace] : [],
      ),
    };
  } catch (error) {
    throw clusterFailure(error);
  }
}

async function listInventories(kube: Kube, namespace: string, signal: AbortSignal): Promise<readonly ObjectMeta[]> {
  for (const path of ['/api/v1/configmaps', `/api/v1/namespaces/${namespace}/configmaps`])
    try {
      return await listMetadata(kube, path, idLabel, signal);
    } catch (error) {
      if (!isForbidden(error)) throw error;
    }
  return [];
}
