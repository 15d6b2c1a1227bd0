import type { PublishedPort } from '../engine/engine.ts';
import { Failure, formatPosition, type Position } from '../errors.ts';
import type { Endpoint } from '../events.ts';
import type { Forward, ForwardTarget, Project } from '../project.ts';
import type { Plan } from './plan.ts';

const forwardKinds = ['Deployment', 'StatefulSet', 'Pod'] as const;

/** The project's forwards, and those of its selected services to the workload that runs their image. @throws Failure `usage`. */
export function forwardRules(project: Project, plan: Plan): readonly Forward[] {
  const own = plan.services
    .filter(({ selected }) => selected)
    .flatMap(({ service }) =>
      service.forward.map(({ local, port, at }) => ({
        target: targetOf(plan, { name: service.name, at }),
        port,
        local,
        address: '127.0.0.1',
        at,
      })),
    );
  return [...project.forward, ...own];
}

/** @returns the first workload that runs the service's image and whose pods can be forwarded to: a Job's come and go. */
function targetOf(plan: Plan, { name, at }: { readonly name: string; readonly at: Position }): ForwardTarget {
  for (const { object, services } of plan.objects) {
    const kind = forwardKinds.find((each) => each === object.kind);
    if (kind && services.includes(name)) return { kind, name: object.metadata.name };
  }
  throw new Failure('usage', `service ${name}: nothing that runs its image can be forwarded to`, {
    where: formatPosition(at),
    next: 'a forward of a service leads to a Deployment, a StatefulSet or a Pod; name a Service under the top-level `forward`',
  });
}

/** Where this machine reaches the NodePorts of the plan's Services: those that a node's container publishes. */
export function nodePortUrls(plan: Plan, published: readonly PublishedPort[]): readonly Endpoint[] {
  return plan.objects.flatMap(({ object }) => {
    if (object.kind !== 'Service') return [];
    const spec = (object['spec'] ?? {}) as {
      readonly ports?: readonly { readonly nodePort?: number; readonly name?: string }[];
    };
    return (spec.ports ?? []).flatMap(({ nodePort }) => {
      const host = published.find(({ container }) => container === nodePort);
      return host ? [{ name: `service/${object.metadata.name}`, url: `http://localhost:${host.host}` }] : [];
    });
  });
}
