import { Failure } from '../errors.ts';
import { ApiError, type ExecEnd, isForbidden } from '../kube/kube.ts';

export type EndedOpening =
  /** No such program in the container. */
  | { readonly kind: 'absent' }
  /** There is one, and it does not do. */
  | { readonly kind: 'unable'; readonly because: string }
  | { readonly kind: 'gone'; readonly because: string };

/** 126, 127: how a shell, and crun, say that a program is not there or can't be run. 128 and above: a signal ended it. */
const notFound = new Set([126, 127]);
const signalled = 128;

/** Why an agent ended before it said a word. Container runtimes have no codes for it, only sentences. */
export function judgeEnd({ exitCode, message = '' }: ExecEnd, words: string, program: string): EndedOpening {
  if (exitCode === undefined) {
    if (/executable file not found|no such file or directory/i.test(message)) return { kind: 'absent' };
    if (/container not found|not running|stopped|no running task/i.test(message))
      return { kind: 'gone', because: message };
    return { kind: 'unable', because: message };
  }
  if (notFound.has(exitCode)) return { kind: 'absent' };
  if (exitCode > signalled) return { kind: 'gone', because: `its processes were killed (exit code ${exitCode})` };
  return { kind: 'unable', because: `${program} ended with exit code ${exitCode}${quoteWords(words)}` };
}

/** What a program printed to its standard error, to be put behind a sentence. */
export function quoteWords(words: string): string {
  return words.trim() ? `: ${words.trim()}` : '';
}

/** Why there is no agent at all. @throws the error itself when it is neither the cluster's nor the connection's. */
export function judgeRefusal(error: unknown): EndedOpening {
  if (isForbidden(error)) return { kind: 'unable', because: error.message };
  if (error instanceof ApiError || error instanceof Failure) return { kind: 'gone', because: error.message };
  throw error;
}
