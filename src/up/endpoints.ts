import type { PublishedPort } from '../engine/engine.ts';
import { Failure, formatPosition, type Position } from '../errors.ts';
import type { Endpoint } from '../events.ts';
import { autoRules } from '../forward/auto-rules.ts';
import type { RawService } from '../forward/surroundings.ts';
import { nearest } from '../lib/nearest.ts';
import { podTemplateOf } from '../manifests/pod-template.ts';
import { formatId, type KubeObject } from '../objects.ts';
import type { Forward, ForwardTarget, Project } from '../project.ts';
import type { Plan } from './plan.ts';

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
  const explicit = [...project.forward, ...own];
  if (!project.autoForward) return explicit;
  return [...explicit, ...autoRules(servicesFor(plan, selection), project.autoForward, explicit)];
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
      readonly ports?: readonly { readonly nodePort?: number; readonly name?: string }[];
    };
    return (spec.ports ?? []).flatMap(({ nodePort }) => {
      const host = published.find(({ container }) => container === nodePort);
      return host ? [{ name: `service/${object.metadata.name}`, url: `http://localhost:${host.host}` }] : [];
    });
  });
}

/** @returns a doubt about each forward whose target no manifest has, or has without that port: it may be in the cluster. */
export function doubtsAbout(rules: readonly Forward[], plan: Plan): readonly Doubt[] {
  return rules.flatMap(({ target, port, at }) => {
    const sameKind = plan.objects.map(({ object }) => object).filter(({ kind }) => kind === target.kind);
    const found = sameKind.find(({ metadata }) => metadata.name === target.name);
    const where = at === undefined ? 'forward' : formatPosition(at);
    if (!found && target.namespace !== undefined) return [];
    if (!found) {
      const near = nearest(
        target.name,
        sameKind.map(({ metadata }) => metadata.name),
      );
      const next = near === undefined ? undefined : `did you mean ${formatId({ kind: target.kind, name: near })}?`;
      return [{ text: `forward: no manifest has ${formatId(target)} (${where})`, next }];
    }
    const ports = portsOf(found);
    if (ports.length === 0 || ports.some((each) => each.port === port || each.name === port)) return [];
    const listed = ports.map((each) => each.name ?? each.port).join(', ');
    return [{ text: `forward: ${formatId(target)} has no port ${port} (${where})`, next: `it has ${listed}` }];
  });
}

interface Doubt {
  readonly text: string;
  readonly next: string | undefined;
}

/** Of a Service; those of a pod need not be declared, so nothing can be said of them. */
function portsOf({ kind, ...object }: KubeObject): readonly { readonly port?: number; readonly name?: string }[] {
  const spec = (object['spec'] ?? {}) as {
    readonly ports?: readonly { readonly port?: number; readonly name?: string }[];
  };
  return kind === 'Service' ? (spec.ports ?? []) : [];
}
