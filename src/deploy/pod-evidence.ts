import { isAbort } from '../errors.ts';
import type { Kube, LogRequest } from '../kube/kube.ts';
import type { PodTrouble } from '../pods/explain-pod.ts';
import { askMaybe } from './ask.ts';

const logLines = 10;

/**
 * What the cluster has to say about a pod in trouble: the last lines of the run that crashed, else the warnings of its
 * events (a failing probe, a volume that can't be mounted). What can't be read is left out: the trouble is told already.
 *
 * @throws AbortError.
 */
export async function readEvidence(kube: Kube, trouble: PodTrouble, signal: AbortSignal): Promise<string | undefined> {
  const words = trouble.crashed ? await lastWords(kube, trouble, signal) : '';
  // A program that could not be started (no such file, no right to it) has printed nothing.
  return words || (await warnings(kube, trouble, signal)) || undefined;
}

async function lastWords(kube: Kube, { pod, container }: PodTrouble, signal: AbortSignal): Promise<string> {
  const request: LogRequest = {
    namespace: pod.namespace,
    pod: pod.name,
    container: container?.name ?? '',
    tailLines: logLines,
  };
  // A container that waits to be started again has its words in the run before; one that is not restarted, in this one.
  const waits = container?.state === 'waiting';
  return (await read(kube, { ...request, previous: waits }, signal)) ?? (await read(kube, request, signal)) ?? '';
}

async function read(kube: Kube, request: LogRequest, signal: AbortSignal): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of kube.logs(request, signal)) chunks.push(chunk);
  } catch (error) {
    if (isAbort(error)) throw error;
    if (chunks.length === 0) return undefined;
  }
  return Buffer.concat(chunks).toString('utf8').trimEnd();
}

async function warnings(kube: Kube, { pod }: PodTrouble, signal: AbortSignal): Promise<string> {
  const list = await askMaybe<{ items: readonly RawEvent[] | null }>(kube, {
    method: 'GET',
    path: `/api/v1/namespaces/${pod.namespace}/events`,
    query: { fieldSelector: `involvedObject.uid=${pod.uid},type=Warning` },
    signal,
  }).catch((error: unknown) => {
    if (isAbort(error)) throw error;
    return undefined;
  });
  const lines = (list?.items ?? []).map(({ reason = '', message = '' }) => `${reason}: ${message}`);
  return [...new Set(lines)].slice(-logLines).join('\n');
}

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ */
interface RawEvent {
  readonly reason?: string;
  readonly message?: string;
}
