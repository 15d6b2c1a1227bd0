import type { ContainerInfo, Engine } from '../engine/engine.ts';
import { appLabel, clusterLabel, externalNetworkLabel, namesOf, networkLabel, roleLabel } from './names.ts';
import type { ClusterOptions } from './cluster-options.ts';

/**
 * Removes the containers that are labelled as the cluster's, its network and its image volume. Anything else that is in
 * the network, such as a registry that was there before, only leaves it; a registry of this cluster that another cluster
 * has joined stays too, and that is said.
 *
 * @returns false when there was no such cluster.
 */
export async function deleteCluster(
  engine: Engine,
  name: string,
  { report, signal }: ClusterOptions,
): Promise<boolean> {
  const names = namesOf(name);
  const all = await engine.containers({}, signal);
  const own = all.filter(({ labels }) => labels['app'] === appLabel.app && labels[clusterLabel] === name);
  if (own.length === 0) return false;
  const server = own.find(({ labels }) => labels[roleLabel] === 'server');
  const network = server?.labels[networkLabel] ?? names.full;
  const shared = own.filter((one) => isShared(one, network));
  for (const { name: registry } of shared)
    report({ type: 'note', text: `kept the registry ${registry}: another cluster uses it` });
  for (const { id } of own.filter((one) => !shared.includes(one))) await engine.removeContainer(id, signal);
  if (server?.labels[externalNetworkLabel] !== 'true') {
    const guests = all.filter((one) => one.networks.includes(network) && (!own.includes(one) || shared.includes(one)));
    for (const { id } of guests) await engine.disconnectNetwork(network, id, signal);
    await engine.removeNetwork(network, signal);
  }
  await engine.removeVolume(server?.labels['k3d.cluster.imageVolume'] ?? names.volume, signal);
  return true;
}

function isShared({ labels, networks }: ContainerInfo, network: string): boolean {
  return labels[roleLabel] === 'registry' && networks.some((one) => one !== network && one.startsWith('k3d-'));
}
