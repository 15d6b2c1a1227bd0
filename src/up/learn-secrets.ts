import { ask, clusterFailure } from '../deploy/ask.ts';
import type { Reporter } from '../events.ts';
import { ApiError } from '../kube/kube.ts';
import type { Kube } from '../kube/kube.ts';
import type { Mask } from '../lib/mask.ts';
import { secretValues } from '../manifests/secret-values.ts';
import { type KubeObject, projectLabel } from '../objects.ts';
import type { Project } from '../project.ts';
import type { Plan } from './plan.ts';

/** The mask learns what the Secrets of the manifests hold, those that a renderer generates too. */
export function learnPlanned({ project, objects }: Plan, mask: Mask): void {
  if (project.logs.mask) mask.learn(secretValues(objects.map(({ object }) => object)));
}

export interface LearnOptions {
  readonly kube: Kube;
  readonly project: Project;
  readonly namespaces: readonly string[];
  readonly mask: Mask;
  readonly report: Reporter;
  readonly signal: AbortSignal;
}

/**
 * The mask learns what the project's Secrets in the cluster hold, for commands that render nothing. Where they may not be
 * read a warning says that nothing is masked. @throws Failure `unreachable`; AbortError.
 */
export async function learnApplied({ kube, project, namespaces, mask, report, signal }: LearnOptions): Promise<void> {
  if (!project.logs.mask) return;
  const query = { labelSelector: `${projectLabel}=${project.name}` };
  const read = async (namespace: string) => {
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets`;
    const { items } = await ask<{ items: readonly KubeObject[] | null }>(kube, { method: 'GET', path, query, signal });
    // The items of a typed list name neither their kind nor their version.
    mask.learn(secretValues((items ?? []).map((item) => ({ ...item, apiVersion: 'v1', kind: 'Secret' }))));
  };
  const unique = [...new Set(namespaces)];
  const refused = (await Promise.all(unique.map((namespace) => isRefused(read(namespace))))).flatMap(
    (isRefused, index) => (isRefused ? (unique[index] ?? []) : []),
  );
  if (refused.length === 0) return;
  report({
    type: 'warning',
    text: `the values of the project's Secrets in ${refused.join(', ')} are not masked: they may not be read`,
    next: 'give the account of this context `list` on secrets there, or turn this off: `logs: { mask: false }`',
  });
}

async function isRefused(reading: Promise<void>): Promise<boolean> {
  try {
    await reading;
    return false;
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return true;
    throw clusterFailure(error);
  }
}
