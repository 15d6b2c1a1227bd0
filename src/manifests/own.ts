import { projectLabel } from '../objects.ts';
import type { KubeObject } from '../objects.ts';
import { mapPodTemplate } from './pod-template.ts';

/** On every member of an ApplySet. https://kubernetes.io/docs/reference/labels-annotations-taints/#applyset-kubernetes-io-part-of */
export const partOfLabel = 'applyset.kubernetes.io/part-of';

export interface Owner {
  readonly project: string;
  readonly applySetId: string;
}

/**
 * @returns the object marked as the project's: the project on it and on its pod template, the ApplySet on it alone, for
 * pods are their workload's, not members. Selectors and volumeClaimTemplates can't be changed later and stay untouched.
 */
export function own(object: KubeObject, { project, applySetId }: Owner): KubeObject {
  const labelled = mapPodTemplate(object, (template) => ({
    ...template,
    metadata: { ...template.metadata, labels: { ...template.metadata?.labels, [projectLabel]: project } },
  }));
  const { metadata } = labelled;
  return {
    ...labelled,
    metadata: { ...metadata, labels: { ...metadata.labels, [projectLabel]: project, [partOfLabel]: applySetId } },
  };
}
