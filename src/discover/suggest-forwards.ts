import { imagesOf, repositoryOf } from '../manifests/images.ts';
import { podTemplateOf } from '../manifests/pod-template.ts';
import type { KubeObject } from '../objects.ts';
import type { FoundService } from './match-services.ts';

export interface FoundForward {
  readonly to: string;
  readonly port: number;
  readonly local: number;
}

/** Ports that need no rights to listen on begin here. */
const firstFreeToAll = 1024;
const firstOther = 8080;

/** @returns the first port of every Service that leads to pods of an image that is built here, each on a local port of its own. */
export function suggestForwards(
  objects: readonly KubeObject[],
  services: readonly FoundService[],
): readonly FoundForward[] {
  const built = new Set(services.map(({ image }) => image));
  const templates = objects
    .filter((object) => imagesOf(object).some(({ image }) => built.has(repositoryOf(image))))
    .map((object) => podTemplateOf(object)?.metadata?.labels ?? {});
  const taken = new Set<number>();
  return objects.flatMap((object) => {
    if (object.kind !== 'Service' || object.apiVersion !== 'v1') return [];
    const { selector, ports } = (object['spec'] ?? {}) as { selector?: object; ports?: readonly { port?: unknown }[] };
    const wanted = Object.entries(selector ?? {});
    const port = Array.isArray(ports) ? ports[0]?.port : undefined;
    const leadsHere = templates.some((labels) => wanted.every(([key, value]) => labels[key] === value));
    if (typeof port !== 'number' || wanted.length === 0 || !leadsHere) return [];
    const local = freeOf(port, taken);
    taken.add(local);
    return [{ to: `service/${object.metadata.name}`, port, local }];
  });
}

function freeOf(port: number, taken: ReadonlySet<number>): number {
  let local = port < firstFreeToAll ? firstOther : port;
  while (taken.has(local)) local += 1;
  return local;
}
