import { asFailure, Failures } from '../errors.ts';
import type { Reporter } from '../events.ts';

/** Reports what the session survives: a state of `service`, or of the session where none is named. */
export function tellFailure(report: Reporter, error: unknown, service?: string): void {
  const failure = asFailure(error);
  for (const { kind, message, where, detail, next } of failure instanceof Failures ? failure.all : [failure])
    report({ type: 'failed', service, kind, message, where, detail, next });
}
