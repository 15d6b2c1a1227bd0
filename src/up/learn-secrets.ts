import { Failure, isAbort } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { ApiError } from '../kube/kube.ts';
import type { Kube } from '../kube/kube.ts';
import type { Mask } from '../lib/mask.ts';
import { render } from '../manifests/render.ts';
import { secretValues } from '../manifests/secret-values.ts';
import { type KubeObject, projectLabel } from '../objects.ts';
import { readPod } from '../pods/pod-state.ts';
import type { Project } from '../project.ts';
import { KnownSecrets } from './known-secrets.ts';
import type { Plan } from './plan.ts';
import { namespacesOfProject } from './read-set.ts';

/** The mask learns what the Secrets of the manifests hold, those that a renderer generates too. */
export function learnPlanned({ project, objects }: Plan, mask: Mask): void {
  if (project.logs.mask) mask.learn(secretValues(objects.map(({ object }) => object)));
}

export interface LearnRenderedOptions {
  readonly project: Project;
  readonly env: NodeJS.ProcessEnv;
  readonly mask: Mask;
  readonly report: Reporter;
  readonly signal: AbortSignal;
}

/**
 * The same for commands that need the manifests for nothing else: where they can't be rendered a warning says so.
 * @throws AbortError.
 */
export async function learnRendered({ project, env, mask, report, signal }: LearnRenderedOptions): Promise<void> {
  if (!project.logs.mask) return;
  try {
    const { root, cluster } = project;
    const steps = await render(project.deploy, { root, namespace: cluster.namespace, signal, env });
    mask.learn(secretValues(steps.flatMap(({ objects }) => objects.map(({ object }) => object))));
  } catch (error) {
    if (isAbort(error)) throw error;
    const why = error instanceof Error ? error.message : String(error);
    report({
      type: 'warning',
      text: `what Secrets the manifests hold is not known, and masked only where the cluster has it too: ${why}`,
    });
  }
}

export interface ProjectSecretsOptions {
  readonly kube: Kube;
  readonly project: Project;
  readonly mask: Mask;
  readonly report: Reporter;
  readonly signal: AbortSignal;
}

/** @returns what learns the Secrets of a project in the cluster; undefined where nothing is masked. */
export function knownSecretsOf({ project, ...others }: ProjectSecretsOptions): KnownSecrets | undefined {
  if (!project.logs.mask) return undefined;
  return new KnownSecrets({ ...others, labelSelector: `${projectLabel}=${project.name}` });
}

/**
 * The mask learns what the project's Secrets in the cluster hold now, and those that its pods name, for commands that show
 * what its containers print once. @throws Failure `unreachable`; AbortError.
 */
export async function learnApplied(options: ProjectSecretsOptions): Promise<void> {
  const { kube, project, signal } = options;
  await using secrets = knownSecretsOf(options);
  if (!secrets) return;
  for (const namespace of new Set(await namespacesOfProject(kube, project, signal))) {
    const pods = await listPods(kube, namespace, project.name, signal);
    const names = new Set(pods.flatMap((pod) => readPod(pod).secrets));
    await secrets.learn({ namespace, secrets: [...names] }, signal);
  }
}

/**
 * For what waits until objects are ready: that they are not is told with what their containers printed last.
 * @throws the error, once the mask knows what that may hold.
 */
export async function withSecretsKnown(error: unknown, options: ProjectSecretsOptions): Promise<never> {
  if (error instanceof Failure && error.kind === 'notReady') await learnApplied(options);
  throw error;
}

/** @returns none where they may not be read. */
async function listPods(
  kube: Kube,
  namespace: string,
  project: string,
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
  const query = { labelSelector: `${projectLabel}=${project}` };
  try {
    const { items } = await kube.request<{ items: readonly KubeObject[] | null }>({
      method: 'GET',
      path,
      query,
      signal,
    });
    return items ?? [];
  } catch (error) {
    if (error instanceof ApiError) return [];
    throw error;
  }
}
