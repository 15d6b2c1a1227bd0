import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../objects.ts';
import type { AutoForward, Forward } from '../project.ts';
import { localOf } from './listen.ts';
import type { RawService } from './surroundings.ts';

/**
 * @returns a rule for every TCP port of the Services that select pods, but for those that an explicit rule leads to and those
 * that a headless Service has in common with another one. The local port is the Service's own number where that is 1024 or more and nobody
 * else's in the project: neither another Service's nor an explicit rule's. Any other is chosen from the Service's name.
 */
export function autoRules(
  services: readonly KubeObject[],
  { offset, at }: AutoForward,
  explicit: readonly Forward[],
): readonly Forward[] {
  const all = services.flatMap(portsOf);
  const wanted = all.filter((port) => !isTwin(port, all) && !explicit.some((rule) => leadsTo(rule, port)));
  const claimed = new Set(explicit.map(localOf));
  return wanted.map(({ name, namespace, number, portName, appProtocol }) => {
    const local = number + offset;
    const isOwn = wanted.filter((other) => other.number === number).length === 1 && !claimed.has(local);
    return {
      target: { kind: 'Service', name, ...(namespace !== undefined && { namespace }) },
      port: number,
      local: 'auto',
      preferred: isOwn && local >= 1024 && local <= 65_535 ? local : undefined,
      address: '127.0.0.1',
      at,
      facts: { number, name: portName, appProtocol },
    };
  });
}

interface ServicePort {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly selector: Readonly<Record<string, string>>;
  readonly isHeadless: boolean;
  readonly number: number;
  readonly portName: string | undefined;
  readonly appProtocol: string | undefined;
}

function portsOf({ metadata, ...object }: KubeObject): readonly ServicePort[] {
  const { type, clusterIP, selector = {}, ports = [] } = (object['spec'] ?? {}) as RawSpec;
  if (type === 'ExternalName' || Object.keys(selector).length === 0) return [];
  const { name, namespace } = metadata;
  return ports
    .filter(({ protocol = 'TCP' }) => protocol === 'TCP')
    .map((port) => ({
      name,
      namespace,
      selector,
      isHeadless: clusterIP === 'None',
      number: port.port,
      portName: port.name,
      appProtocol: port.appProtocol,
    }));
}

type RawSpec = NonNullable<RawService['spec']> & { readonly clusterIP?: string };

/** A StatefulSet's headless Service beside the one that clients use. */
function isTwin(port: ServicePort, all: readonly ServicePort[]): boolean {
  return (
    port.isHeadless &&
    all.some(
      (other) =>
        !other.isHeadless &&
        other.number === port.number &&
        other.namespace === port.namespace &&
        isDeepStrictEqual(other.selector, port.selector),
    )
  );
}

function leadsTo({ target, port }: Forward, { name, namespace, number, portName }: ServicePort): boolean {
  const isSame = target.kind === 'Service' && target.name === name && (target.namespace ?? namespace) === namespace;
  return isSame && (port === number || port === portName);
}
