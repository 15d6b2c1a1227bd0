import { projectLabel } from '../objects.ts';
import type { KubeObject } from '../objects.ts';
import type { PodTemplatePlace } from '../project.ts';
import { mapPodTemplates } from './pod-template.ts';

/** On every member of an ApplySet. https://kubernetes.io/docs/reference/labels-annotations-taints/#applyset-kubernetes-io-part-of */
export const partOfLabel = 'applyset.kubernetes.io/part-of';

export interface Owner {
  readonly project: string;
  readonly applySetId: string;
}

/**
 * @param places see `podTemplatesOf`.
 * @returns the object marked as the project's: the project on it and on its pod templates, the ApplySet on it alone, for
 * pods are their workload's, not members. Selectors and volumeClaimTemplates can't be changed later and stay untouched.
 */
export function own(
  object: KubeObject,
  { project, applySetId }: Owner,
  places: readonly PodTemplatePlace[] = [],
): KubeObject {
  const labelled = mapPodTemplates(object, places, (template) => ({
    ...template,
    metadata: { ...template.metadata, labels: { ...template.metadata?.labels, [projectLabel]: project } },
  }));
  const { metadata } = labelled;
  return {
    ...labelled,
    metadata: { ...metadata, labels: { ...metadata.labels, [projectLabel]: project, [partOfLabel]: applySetId } },
  };
}
