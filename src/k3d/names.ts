import { Failure } from '../errors.ts';

/** How k3d names and labels what it makes, so that its own commands work on our clusters and ours on its. https://k3d.io */
export const appLabel = { app: 'k3d' } as const;
export const clusterLabel = 'k3d.cluster';
export const roleLabel = 'k3d.role';
export const networkLabel = 'k3d.cluster.network';
export const externalNetworkLabel = 'k3d.cluster.network.external';

/** The port of the API server inside a node. */
export const apiPortInNode = 6443;
/** The port of a registry inside its container. */
export const registryPortInside = 5000;

export interface ClusterNames {
  /** `k3d-NAME`: of the network, and of the context and cluster in a kubeconfig. */
  readonly full: string;
  readonly user: string;
  readonly server: string;
  readonly agent: (index: number) => string;
  readonly volume: string;
  readonly registry: string;
}

/** @throws Failure `usage` for a name that k3d would refuse: it becomes a host name. */
export function namesOf(name: string): ClusterNames {
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name) || name.length > 32)
    throw new Failure('usage', `"${name}" can't name a cluster`, {
      next: 'use at most 32 of a-z, 0-9 and -, with no - at either end',
    });
  const full = `k3d-${name}`;
  return {
    full,
    user: `admin@${full}`,
    server: `${full}-server-0`,
    agent: (index) => `${full}-agent-${index}`,
    volume: `${full}-images`,
    registry: `${full}-registry`,
  };
}
