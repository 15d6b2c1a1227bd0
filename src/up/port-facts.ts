import type { RawService } from '../forward/surroundings.ts';
import { containersOf, podTemplateOf } from '../manifests/pod-template.ts';
import type { KubeObject } from '../objects.ts';
import type { PortFacts } from '../project.ts';

/** @returns what an object tells of one of its ports: a Service of its own, anything else of its containers'. */
export function factsOf(object: KubeObject, port: number | string): PortFacts | undefined {
  if (object.kind === 'Service') {
    const found = (object as KubeObject & RawService).spec?.ports?.find(isOn(port, ({ port: number }) => number));
    return found && { number: found.port, name: found.name, appProtocol: found.appProtocol };
  }
  const found = containerPorts(object).find(isOn(port, ({ containerPort }) => containerPort));
  return found && { number: found.containerPort, name: found.name };
}

export interface RawContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly protocol?: string;
}

/** @returns the ports that the containers of a workload or a pod declare. */
export function containerPorts(object: KubeObject): readonly RawContainerPort[] {
  const template = podTemplateOf(object);
  const containers = template ? containersOf(template, 'containers') : [];
  return containers.flatMap((container) => (container['ports'] ?? []) as readonly RawContainerPort[]);
}

function isOn<T extends { readonly name?: string }>(port: number | string, numberOf: (each: T) => number) {
  return (each: T) => numberOf(each) === port || each.name === port;
}
