import type { Endpoint } from '../events.ts';
import type { PublishedPort } from '../engine/engine.ts';
import type { Forward, ForwardTarget, Project } from '../project.ts';
import { type Plan, workloadOf } from './plan.ts';

/** The project's forwards, and those of its selected services to the workload that runs their image. */
export function forwardRules(project: Project, plan: Plan): readonly Forward[] {
  const own = plan.services
    .filter(({ selected }) => selected)
    .flatMap(({ service }) =>
      service.forward.map(({ local, port, at }) => ({
        target: targetOf(plan, service.name),
        port,
        local,
        address: '127.0.0.1',
        at,
      })),
    );
  return [...project.forward, ...own];
}

function targetOf(plan: Plan, service: string): ForwardTarget {
  const { kind, metadata } = workloadOf(plan, service);
  return { kind: kind === 'StatefulSet' || kind === 'Pod' ? kind : 'Deployment', name: metadata.name };
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
