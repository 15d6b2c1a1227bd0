import { Failure } from '../errors.ts';
import { openCluster, type OpenCluster, type ClusterOptions } from './site.ts';

/** @returns undefined when the cluster is yet to be made, as the config asks for. @throws as openCluster. */
export async function openIfThere(options: ClusterOptions): Promise<OpenCluster | undefined> {
  try {
    return await openCluster(options);
  } catch (error) {
    const isAbsent = error instanceof Failure && error.kind === 'usage' && options.project.cluster.create !== undefined;
    if (isAbsent) return undefined;
    throw error;
  }
}
