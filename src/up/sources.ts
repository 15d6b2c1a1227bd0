import { repositoryOf } from '../manifests/images.ts';
import type { ContainerState, PodState } from '../pods/pod-state.ts';
import type { Service } from '../project.ts';
import type { Plan } from './plan.ts';

/**
 * @returns a function that says whose container this is: the service that builds its image, else the workload. It gives
 * undefined for what the command line did not ask for.
 */
export function sourcesOf(
  plan: () => Plan,
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
  return services.find(({ image: name }) => {
    const own = repositoryOf(name);
    return repository === own || repository.endsWith(`/${own}`);
  })?.name;
}

/** The namespaces in which the plan's objects live; those that name none live in the project's. */
export function namespacesOf(plan: Plan): readonly string[] {
  const { namespace } = plan.project.cluster;
  return [...new Set([namespace, ...plan.objects.flatMap(({ object }) => object.metadata.namespace ?? [])])];
}
