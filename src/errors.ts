/**
 * What can go wrong, by class. The class decides the exit code, and whether it is tried again; the words are the failure's
 * own.
 *
 * Scripts branch on these numbers, so they never change their meaning (docs/exit-codes.md).
 */
export const exitCodes = {
  done: 0,
  /** A check that answers no: `diff`, `status`. */
  no: 1,
  usage: 2,
  build: 3,
  ship: 4,
  notReady: 5,
  /** Nobody answers, or nothing that could be understood: it may be over by itself. */
  unreachable: 6,
  /** It answers, and says no: rights, credentials, a quota, a rule of the cluster, another holder of a field. */
  refused: 6,
  guard: 7,
  bug: 70,
} as const;

export type FailureKind = Exclude<keyof typeof exitCodes, 'done' | 'no'>;

/** A place in a file that the user wrote; line and column count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface FailureFacts {
  /** `file:line:column`, an object (`deployment/web in storm`) or a pod. */
  readonly where?: string | undefined;
  /** More lines: the offending line of the file, the end of a build's output, a pod's last words. */
  readonly detail?: string | undefined;
  /** What to do next, as a sentence or a command. */
  readonly next?: string | undefined;
  readonly cause?: unknown;
}

/**
 * The one error that users see. `message` is one line that says what happened; where, detail and next step are fields,
 * so that the terminal and `-o json` can each show them their own way. Everything thrown that is not a Failure is a bug.
 */
export class Failure extends Error {
  readonly kind: FailureKind;
  readonly where: string | undefined;
  readonly detail: string | undefined;
  readonly next: string | undefined;

  constructor(kind: FailureKind, message: string, facts: FailureFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'Failure';
    this.kind = kind;
    this.where = facts.where;
    this.detail = facts.detail;
    this.next = facts.next;
  }

  get exitCode(): number {
    return exitCodes[this.kind];
  }
}

/** Several failures found in one go (a config with five mistakes): shown together, and ended with the first one's code. */
export class Failures extends Failure {
  readonly all: readonly Failure[];

  constructor(all: readonly [Failure, ...Failure[]]) {
    super(all[0].kind, all.length === 1 ? all[0].message : `${all[0].message} (and ${all.length - 1} more)`, all[0]);
    this.name = 'Failures';
    this.all = all;
  }
}

/** @returns `file:line:column`, the form that editors and terminals make clickable. */
export function formatPosition(at: Position): string {
  return `${at.file}:${at.line}:${at.column}`;
}

/** @returns the error as a Failure: itself if it is one, else a `bug` that keeps it as the cause. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Failure('bug', `stormctl hit a bug: ${message}`, {
    detail: error instanceof Error ? error.stack : undefined,
    next: 'please report it with the lines above',
    cause: error,
  });
}

/** @returns true when the error only says that the caller's own signal was aborted. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || (error as { code?: string }).code === 'ABORT_ERR');
}
