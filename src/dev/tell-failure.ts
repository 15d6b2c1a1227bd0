import { asFailure, Failures } from '../errors.ts';
import type { Reporter } from '../events.ts';
import type { ObjectId } from '../objects.ts';

/**
 * Reports what the session survives: a state of `service`, or of the session where none is named.
 *
 * @param refused the object that the cluster did not take, where it is that.
 */
export function tellFailure(report: Reporter, error: unknown, service?: string, refused?: ObjectId): void {
  const failure = asFailure(error);
  for (const { kind, message, where, detail, next } of failure instanceof Failures ? failure.all : [failure])
    report({ type: 'failed', service, ...(refused && { refused }), kind, message, where, detail, next });
}
