import { Failure } from '../errors.ts';
import { parseManifestYaml } from '../lib/yaml.ts';
import type { ClusterNames } from './names.ts';

/** One cluster's entries for a kubeconfig: what stands under `cluster`, `user` and `context`. */
export interface KubeconfigEntry {
  /** Of the cluster and the context: `k3d-NAME`. */
  readonly name: string;
  readonly userName: string;
  readonly cluster: Readonly<Record<string, unknown>>;
  readonly user: Readonly<Record<string, unknown>>;
}

interface NodeKubeconfig {
  readonly clusters?: readonly { readonly cluster?: Readonly<Record<string, unknown>> }[];
  readonly users?: readonly { readonly user?: Readonly<Record<string, unknown>> }[];
}

/** Where a node leaves its kubeconfig, by K3S_KUBECONFIG_OUTPUT: k3d reads it there too. */
export const kubeconfigInNode = '/output/kubeconfig.yaml';

/** Makes of a node's own kubeconfig, in which everything is called `default` and the server is the node itself, ours. */
export function entryOf(text: string, names: ClusterNames, server: string): KubeconfigEntry {
  const [document] = parseManifestYaml(text, kubeconfigInNode);
  const { clusters, users } = (document?.value ?? {}) as NodeKubeconfig;
  const cluster = clusters?.[0]?.cluster;
  const user = users?.[0]?.user;
  if (!cluster || !user)
    throw new Failure('unreachable', `the kubeconfig of ${names.server} holds no cluster and user`, {
      where: `${names.server}:${kubeconfigInNode}`,
    });
  return { name: names.full, userName: names.user, cluster: { ...cluster, server }, user };
}
