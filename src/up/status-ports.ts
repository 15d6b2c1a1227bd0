import { podTemplateOf } from '../manifests/pod-template.ts';
import type { KubeObject } from '../objects.ts';
import type { Project } from '../project.ts';

interface RawService {
  readonly type?: string;
  readonly selector?: Readonly<Record<string, string>>;
  readonly ports?: readonly { readonly port?: number; readonly nodePort?: number }[];
}

export interface PortSurroundings {
  readonly project: Pick<Project, 'forward' | 'services'>;
  /** The service of the config that the object runs. */
  readonly service: string | undefined;
  /** The Services of the project. */
  readonly services: readonly KubeObject[];
}

/** @returns the ways to a workload's pods: `8080→80` for a forward of the config, `node 30080→80` for a NodePort. */
export function portsOf(object: KubeObject, { project, service, services }: PortSurroundings): readonly string[] {
  const labels = podTemplateOf(object)?.metadata?.labels ?? {};
  const before = services.filter(({ metadata, ...fields }) => {
    const selector = Object.entries(((fields['spec'] ?? {}) as RawService).selector ?? {});
    const isNear = metadata.namespace === object.metadata.namespace;
    return isNear && selector.length > 0 && selector.every(([key, value]) => labels[key] === value);
  });
  const forwards = project.forward
    .filter(({ target }) =>
      [object, ...before].some(({ kind, metadata }) => kind === target.kind && metadata.name === target.name),
    )
    .map(({ local, port }) => `${local ?? port}→${port}`);
  const own = project.services
    .filter(({ name }) => name === service)
    .flatMap(({ forward }) => forward.map(({ local, port }) => `${local ?? port}→${port}`));
  const nodePorts = before.flatMap((each) =>
    (((each['spec'] ?? {}) as RawService).ports ?? []).flatMap(({ port, nodePort }) =>
      nodePort === undefined ? [] : [`node ${nodePort}→${port ?? ''}`],
    ),
  );
  return [...new Set([...forwards, ...own, ...nodePorts])];
}
