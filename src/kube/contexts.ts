import { mergeKubeconfig } from './kubeconfig.ts';

export interface Contexts {
  /** Their names, in the order of the kubeconfig. */
  readonly contexts: readonly string[];
  readonly current: string | undefined;
}

/**
 * The contexts that the kubeconfig has; none when there is no kubeconfig. Nothing is asked of any cluster.
 *
 * @throws Failure `unreachable` when the kubeconfig can't be read.
 */
export async function listContexts(env: Readonly<Record<string, string | undefined>>): Promise<Contexts> {
  const config = await mergeKubeconfig({ env });
  return { contexts: config.contexts.map(({ name }) => name), current: config.currentContext || undefined };
}
