import { Failure, type FailureKind } from '../errors.ts';
import { type ApiError, LoginFailure } from './kube.ts';
import { passingOf } from './passing.ts';

/** Whether nobody is there who could answer, or who asks is not let in: until the way is back, or somebody logs in. */
export function isOutage(error: unknown): error is Failure {
  return error instanceof LoginFailure || (error instanceof Failure && error.kind === 'unreachable');
}

/** @returns the kind of a Failure for what the API server says instead of an answer: a no, or that it can't just now. */
export function kindOf(error: ApiError): FailureKind {
  return passingOf(error) === undefined ? 'refused' : 'unreachable';
}
