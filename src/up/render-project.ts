import type { Reporter } from '../events.ts';
import { Scope } from '../lib/scope.ts';
import { inNamespace } from '../manifests/default-namespace.ts';
import { pulledImagesOf, repositoryOf } from '../manifests/images.ts';
import { maskSecrets, renderYaml } from '../manifests/render-yaml.ts';
import { allOrFailures } from './all-or-failures.ts';
import { deliver } from './deliver.ts';
import { finishObject } from './finish-object.ts';
import { maskReports } from './mask-reports.ts';
import type { Plan } from './plan.ts';
import { planProject, type UpOptions } from './plan-project.ts';
import { openSite } from './site.ts';
import { openWorkshop } from './workshop.ts';

export interface RenderProjectOptions extends UpOptions {
  /** Whether the images of the services are pinned: what is not in its place yet is built and shipped, as `run` does. */
  readonly build: boolean;
  /** Whether the values of Secrets are shown as their lengths alone. */
  readonly maskSecrets: boolean;
}

export interface RenderedProject {
  readonly yaml: string;
  readonly objects: number;
}

/**
 * @returns the objects that `run` would apply, as it would apply them, in the order of the manifests: a kind that neither
 * Kubernetes nor the manifests define is taken for one that lives in a namespace.
 * @throws Failures `usage`; with `build` also what keeps an image from being built or shipped; AbortError.
 */
export async function renderProject(options: RenderProjectOptions): Promise<RenderedProject> {
  const report = maskReports(options.report, options.mask);
  const plan = await planProject(options, 'run');
  const images = options.build ? await imagesFor(plan, { ...options, report }) : new Map<string, string>();
  if (!options.build) tellUnpinned(plan, report);
  const definitions = plan.objects.map(({ object }) => object);
  const objects = plan.objects
    .map(({ object }) => finishObject(object, { plan, images }))
    .map((object) => inNamespace(object, plan.project.cluster.namespace, definitions))
    .map((object) => (options.maskSecrets ? maskSecrets(object) : object));
  return { yaml: renderYaml(objects), objects: objects.length };
}

/** Without services there is nothing to pin, and neither engine nor cluster is needed. */
export async function imagesFor(plan: Plan, options: UpOptions): Promise<ReadonlyMap<string, string>> {
  if (plan.services.length === 0) return new Map();
  const { project, report, signal } = options;
  const site = await openSite(options);
  await using scope = new Scope();
  scope.own(site.engine);
  scope.own(site.kube);
  const workshop = await openWorkshop(project, report);
  const pins = await allOrFailures(
    plan.services.map(async (planned) => {
      const pinned = await deliver(site, workshop, planned, 'to pin its image', signal);
      return [repositoryOf(planned.service.image), pinned] as const;
    }),
  );
  return new Map(pins);
}

function tellUnpinned({ services, objects, project }: Plan, report: Reporter): void {
  const used = objects.flatMap(({ object }) => pulledImagesOf(object, project.podTemplates).map(({ image }) => image));
  const built = new Set(services.map(({ service }) => repositoryOf(service.image)));
  const left = [...new Set(used)].filter((image) => built.has(repositoryOf(image)));
  if (left.length > 0) report({ type: 'note', text: `not pinned, as the manifests have them: ${left.join(', ')}` });
}
