import { connectEngine } from '../engine/connect-engine.ts';
import { deleteCluster } from '../k3d/delete-cluster.ts';
import { removeFromKubeconfig } from '../k3d/kubeconfig-file.ts';
import { kubeconfigFile } from '../kube/kubeconfig.ts';
import { type AskedCluster, type ClusterMaking, makeCluster, withDefaults } from './ensure-cluster.ts';

/** `cluster create`: @returns the new context. @throws as createCluster; what was made is removed again. */
export async function createNamedCluster(cluster: AskedCluster, making: ClusterMaking): Promise<string> {
  await using engine = connectEngine(making.env);
  await engine.ping(making.signal);
  return await makeCluster(engine, withDefaults(cluster, making.env), making);
}

/** `cluster delete`: @returns false when this engine has no such cluster; its kubeconfig entries go all the same. */
export async function deleteNamedCluster(name: string, making: ClusterMaking): Promise<boolean> {
  await using engine = connectEngine(making.env);
  await engine.ping(making.signal);
  const found = await deleteCluster(engine, name, making);
  await removeFromKubeconfig(kubeconfigFile(making.env), `k3d-${name}`, making.signal);
  return found;
}
