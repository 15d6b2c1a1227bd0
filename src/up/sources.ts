import { repositoryOf } from '../manifests/images.ts';
import type { ContainerState, PodState } from '../pods/pod-state.ts';
import type { Service } from '../project.ts';
import type { Plan } from './plan.ts';

/**
 * @returns a function that says whose container this is: the service that builds its image, else the workload. It gives
 * undefined for what the command line did not ask for.
 */
export function sourcesOf(
  services: readonly Service[],
  selection: readonly string[],
): (pod: PodState, container: ContainerState) => string | undefined {
  return (pod, container) => {
    const source = serviceOf(services, container.image) ?? pod.workload.name;
    const asked = selection.length === 0 || selection.includes(source) || selection.includes(pod.workload.name);
    return asked ? source : undefined;
  };
}

/**
 * @returns the service that builds an image, whichever registry its reference names: that of the longest name, since
 * `other/storm/web` ends as `storm/web` does.
 */
export function serviceOf(services: readonly Service[], image: string): string | undefined {
  const repository = repositoryOf(image);
  const exact = services.find((service) => repositoryOf(service.image) === repository);
  if (exact || !isShipped(image)) return exact?.name;
  const [longest] = services
    .filter((service) => repository.endsWith(`/${repositoryOf(service.image)}`))
    .sort((a, b) => b.image.length - a.image.length);
  return longest?.name;
}

/** What is put before a name when it is shipped says nothing, but its tag does: nobody else's image is called so. */
function isShipped(image: string): boolean {
  return /:stormctl-[0-9a-f]+(@|$)/.test(image);
}

/** The namespaces in which the plan's objects live; those that name none live in the project's. */
export function namespacesOf(plan: Plan): readonly string[] {
  const { namespace } = plan.project.cluster;
  return [...new Set([namespace, ...plan.objects.flatMap(({ object }) => object.metadata.namespace ?? [])])];
}

/** @returns where the object of a name lives: the namespace its manifest names, else the project's. */
export function namespaceOf(plan: Plan, { kind, name }: { readonly kind: string; readonly name: string }): string {
  const found = plan.objects.find(({ object }) => object.kind === kind && object.metadata.name === name);
  return found?.object.metadata.namespace ?? plan.project.cluster.namespace;
}
