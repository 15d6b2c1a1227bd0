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

/** @returns the service that builds an image, whichever registry its reference names. */
export function serviceOf(services: readonly Service[], image: string): string | undefined {
  const repository = repositoryOf(image);
  return services.find((service) => {
    const own = repositoryOf(service.image);
    return repository === own || repository.endsWith(`/${own}`);
  })?.name;
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
