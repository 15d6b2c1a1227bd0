import type { PublishedPort } from '../engine/engine.ts';
import { Failure, formatPosition, type Position } from '../errors.ts';
import type { Endpoint } from '../events.ts';
import { autoRules } from '../forward/auto-rules.ts';
import type { RawService } from '../forward/surroundings.ts';
import { urlOf } from '../forward/url-of.ts';
import { podTemplateOf } from '../manifests/pod-template.ts';
import type { KubeObject } from '../objects.ts';
import type { Forward, ForwardTarget, Project } from '../project.ts';
import type { Plan } from './plan.ts';
import { factsOf } from './port-facts.ts';

const workloadKinds = ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Pod'] as const;

/**
 * The project's forwards, those of its selected services to the workload that runs their image, and with `forward: auto` those
 * to its Services; of these, where something is selected, to the ones that lead to it.
 *
 * @throws Failure `usage`.
 */
export function forwardRules(project: Project, plan: Plan, selection: readonly string[] = []): readonly Forward[] {
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
  const explicit = [...project.forward, ...own].map((rule) => withFacts(rule, plan));
  if (!project.autoForward) return explicit;
  return [...explicit, ...autoRules(servicesFor(plan, selection), project.autoForward, explicit)];
}

function withFacts(rule: Forward, { objects }: Plan): Forward {
  const { target, port } = rule;
  const isTarget = ({ object: { kind, metadata } }: Plan['objects'][number]) =>
    kind === target.kind &&
    metadata.name === target.name &&
    (target.namespace === undefined || metadata.namespace === target.namespace);
  const object = objects.find(isTarget)?.object;
  const facts = object && factsOf(object, port);
  return facts ? { ...rule, facts } : rule;
}

/** @returns the Services of the plan that select pods of what was asked for. */
function servicesFor({ objects }: Plan, selection: readonly string[]): readonly KubeObject[] {
  const services = objects.filter(({ object }) => object.kind === 'Service' && object.apiVersion === 'v1');
  if (selection.length === 0) return services.map(({ object }) => object);
  const asked = objects
    .filter(({ object, services }) => [object.metadata.name, ...services].some((name) => selection.includes(name)))
    .map(({ object }) => podTemplateOf(object)?.metadata?.labels ?? {});
  return services
    .map(({ object }) => object)
    .filter((object) => {
      const entries = Object.entries((object as KubeObject & RawService).spec?.selector ?? {});
      return asked.some((labels) => entries.every(([key, value]) => labels[key] === value));
    });
}

/** @returns the first workload that runs the service's image and whose pods can be forwarded to: a Job's come and go. */
function targetOf(plan: Plan, { name, at }: { readonly name: string; readonly at: Position }): ForwardTarget {
  for (const { object, services } of plan.objects) {
    const kind = workloadKinds.find((each) => each === object.kind);
    if (kind && services.includes(name)) return { kind, name: object.metadata.name };
  }
  throw new Failure('usage', `service ${name}: nothing that runs its image can be forwarded to`, {
    where: formatPosition(at),
    next: 'a forward of a service leads to a Deployment, a StatefulSet, a DaemonSet or a Pod; name a Service under the top-level `forward`',
  });
}

/** Where this machine reaches the NodePorts of the plan's Services: those that a node's container publishes. */
export function nodePortUrls(plan: Plan, published: readonly PublishedPort[]): readonly Endpoint[] {
  return plan.objects.flatMap(({ object }) => {
    if (object.kind !== 'Service') return [];
    const spec = (object['spec'] ?? {}) as {
      readonly ports?: readonly { readonly nodePort?: number; readonly port?: number }[];
    };
    return (spec.ports ?? []).flatMap(({ nodePort, port }) => {
      const host = published.find(({ container }) => container === nodePort);
      const facts = port === undefined ? undefined : factsOf(object, port);
      return host ? [{ name: `service/${object.metadata.name}`, url: urlOf(facts ?? {}, 'localhost', host.host) }] : [];
    });
  });
}
