import { type Failure, Failures } from '../errors.ts';
import type { Style } from './style.ts';

/** Stands before lines that others wrote. */
export const quoted = '│';

export interface FailureText {
  readonly message: string;
  readonly where?: string | undefined;
  readonly detail?: string | undefined;
  readonly next?: string | undefined;
}

/** What happened, where, the lines that show it, and what to do: always in that order. */
export function formatFailure(failure: FailureText, style: Style): string[] {
  const lines = [`${style.paint('red', '✗')} ${style.bold(failure.message)}`];
  if (failure.where) lines.push(`  ${style.dim('at')} ${failure.where}`);
  for (const line of failure.detail?.split('\n') ?? []) lines.push(`  ${style.dim(quoted)} ${line}`.trimEnd());
  if (failure.next) lines.push(`  ${style.paint('cyan', '→')} ${failure.next}`);
  return lines;
}

/** Every failure that one error stands for. */
export function allOf(failure: Failure): readonly Failure[] {
  return failure instanceof Failures ? failure.all : [failure];
}

/** The error of a command that ends, as `-o json` prints it. */
export function failureJson(failure: Failure): Record<string, unknown> {
  const facts = ({ kind, message, where, detail, next }: Failure) => ({ kind, message, where, detail, next });
  return { ok: false, exitCode: failure.exitCode, errors: allOf(failure).map(facts) };
}
