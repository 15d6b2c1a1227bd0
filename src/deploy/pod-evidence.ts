import { isAbort } from '../errors.ts';
import type { Kube, LogRequest } from '../kube/kube.ts';
import type { RawEvent } from '../objects.ts';
import type { PodTrouble } from '../pods/explain-pod.ts';
import { isOfRun } from '../pods/is-of-run.ts';
import { pullCause } from '../pods/pull-cause.ts';
import { startCause } from '../pods/start-cause.ts';
import { askMaybe } from './ask.ts';
import { oneLine } from './creation-words.ts';
import { containerOf, timeOf } from './event-facts.ts';

const logLines = 10;

/**
 * What the cluster has to say about a pod in trouble beyond why it is: the last lines of the run that crashed, else the
 * warnings of its events (a volume that can't be mounted), else what the run left as its message. What can't be read is left
 * out: the trouble is told already.
 *
 * @throws AbortError.
 */
export async function readEvidence(kube: Kube, trouble: PodTrouble, signal: AbortSignal): Promise<string | undefined> {
  const words = trouble.crashed ? await lastWords(kube, trouble, signal) : '';
  // A program that could not be started (no such file, no right to it) has printed nothing.
  return (
    words ||
    (await warnings(kube, trouble, signal)) ||
    (trouble.crashed ? trouble.container?.endMessage?.trimEnd() : undefined)
  );
}

async function lastWords(kube: Kube, { pod, container }: PodTrouble, signal: AbortSignal): Promise<string> {
  const request: LogRequest = {
    namespace: pod.namespace,
    pod: pod.name,
    container: container?.name ?? '',
    tailLines: logLines,
  };
  // A container that was or will be started again has its words in the run before; one that is not, in this one.
  const isBefore = container?.state !== 'terminated';
  return (await read(kube, { ...request, previous: isBefore }, signal)) ?? (await read(kube, request, signal)) ?? '';
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

async function warnings(kube: Kube, trouble: PodTrouble, signal: AbortSignal): Promise<string> {
  const { pod, because, container } = trouble;
  const list = await askMaybe<{ items: readonly RawEvent[] | null }>(kube, {
    method: 'GET',
    path: `/api/v1/namespaces/${pod.namespace}/events`,
    query: { fieldSelector: `involvedObject.uid=${pod.uid},type=Warning` },
    signal,
  }).catch((error: unknown) => {
    if (isAbort(error)) throw error;
    return undefined;
  });
  const lines = (list?.items ?? [])
    .filter((event) => !isOfOtherRun(event, trouble))
    .filter(({ reason = '', message = '' }) => !isNoNews(reason, message) && !isIn(because, message, container?.image))
    .map(({ reason = '', message = '' }) => `${reason}: ${message.trimEnd()}`);
  return [...new Set(lines)].slice(-logLines).join('\n');
}

/** What the status of the pod says, and so is told: that a node waits before the next try, and what the scheduler said. */
function isNoNews(reason: string, message: string): boolean {
  return ['BackOff', 'FailedScheduling'].includes(reason) || /^Error: (ErrImage|ImagePull)\w+$/.test(message);
}

/** What a probe said of another run of the container is no evidence of what became of this one. */
function isOfOtherRun(event: RawEvent, { container, crashed }: PodTrouble): boolean {
  if (event.reason !== 'Unhealthy' || !container || (containerOf(event) ?? container.name) !== container.name)
    return false;
  return !isOfRun(container, crashed ? 'ended' : 'current', timeOf(event));
}

/** Whether why a pod is in trouble holds what a node says, which it says once more around the cause. */
function isIn(because: string, said: string, image = ''): boolean {
  const text = oneLine(said).replace(/^Error: /u, '');
  const pulled = text.replace(/^Failed to pull image "[^"]*": /u, '');
  return [text, startCause('', text), pullCause(image, '', pulled)].some(
    (each) => each !== '' && because.includes(each),
  );
}
