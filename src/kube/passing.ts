import { Failure, isAbort } from '../errors.ts';
import { connectionLoss } from '../lib/network-errors.ts';
import { ApiError } from './kube.ts';

/**
 * What of the failures of a request may be over when it is made again.
 *
 * - `unmade`: there was no connection, so nothing was done; `cut`: there was one, and what was asked may have been done.
 * - `busy`: it answers that it can't just now: too many requests, a start, an end, a store that chooses a leader. `refused`
 *   is the same where it says that it did nothing.
 * - `broken`: something went wrong inside, or in a webhook that it has to ask: that may pass, and may last for ever.
 */
export type Passing = 'unmade' | 'cut' | 'busy' | 'refused' | 'broken';

/** @returns undefined for what asking again can't mend: rights, credentials, certificates, the request itself. */
export function passingOf(error: unknown): Passing | undefined {
  if (error instanceof ApiError) return passingAnswer(error);
  if (!(error instanceof Failure) || error.kind !== 'unreachable') return undefined;
  // The time of a request was over.
  if (isAbort(error.cause)) return 'cut';
  const loss = connectionLoss(error.cause);
  return loss === 'broken' ? 'cut' : loss;
}

/** Whether the server is there and has too much to do: it said so itself, not a proxy before one that is away. */
export function isBusy(error: unknown): boolean {
  const answer = error instanceof Failure ? error.cause : error;
  return answer instanceof ApiError && answer.status === 429;
}

/** A server that asks for more may be well long before. */
const mostAskedMs = 30_000;

/** @returns how long the server wants to be left alone, in milliseconds, within reason; undefined when it does not say. */
export function askedPauseMs(error: unknown): number | undefined {
  const seconds = error instanceof ApiError ? error.details?.retryAfterSeconds : undefined;
  return seconds === undefined ? undefined : Math.min(seconds * 1000, mostAskedMs);
}

/** Whether the object and not the server is at fault: a value of the wrong type, or a field that its kind has not got. */
export function isSchemaError({ message }: ApiError): boolean {
  // Server-side apply answers these with 500 and no reason (kubernetes/kubernetes, managedfields/internal/structuredmerge.go).
  return message.startsWith('failed to create typed patch object');
}

function passingAnswer(error: ApiError): Passing | undefined {
  const { status, message } = error;
  // Priority and fairness turns a request away before it is begun.
  if (status === 429) return 'refused';
  if (status === 408) return 'busy';
  if (status < 500 || status === 501 || status === 505 || isSchemaError(error)) return undefined;
  // A webhook that answers may choose any status for its no; one that does not answer may never do.
  if (message.includes(' denied the request')) return undefined;
  if (message.includes('failed calling webhook')) return 'broken';
  return status !== 500 || askedPauseMs(error) !== undefined || isOfStore(message) ? 'busy' : 'broken';
}

/** What the store of the API server says while it chooses a leader, or is overloaded: etcd, or kine's database. */
function isOfStore(message: string): boolean {
  return /\betcdserver: |rpc error: code = (?:Unavailable|DeadlineExceeded)|database is locked/.test(message);
}
