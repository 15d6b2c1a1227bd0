import type { FailureFacts } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { ApiError, LoginFailure } from '../kube/kube.ts';
import { isBusy } from '../kube/passing.ts';
import type { PodViewOptions } from '../pods/pod-view.ts';

/** From the least on: a worse one is told when a lesser one is known. */
type State = 'busy' | 'away' | 'login';

const states: readonly State[] = ['busy', 'away', 'login'];

interface Outage {
  /** As it was told. */
  readonly what: string;
  readonly at: number;
  state: State;
}

/**
 * Tells once that something is away, or busy, and that it is over; once more where a busy one goes, or where it turns out
 * that a person has to log in.
 */
export class ToldOutages {
  readonly #report: Reporter;
  readonly #away = new Map<string, Outage>();

  constructor(report: Reporter) {
    this.#report = report;
  }

  lost(what: string, cause: unknown): void {
    const login = cause instanceof LoginFailure ? cause : undefined;
    const state = login ? 'login' : isBusy(cause) ? 'busy' : 'away';
    const known = this.#away.get(what);
    if (known && states.indexOf(state) <= states.indexOf(known.state)) return;
    if (known) known.state = state;
    else this.#away.set(what, { what: login ? `access to ${what}` : what, at: performance.now(), state });
    if (known && login) this.#report({ type: 'warning', text: loginText(login), next: login.next });
    else if (login)
      this.#report({ type: 'session.lost', what: `access to ${what}`, cause: loginText(login), next: login.next });
    else this.#report({ type: 'session.lost', what, cause: wordsOf(cause), ...busyIf(state) });
  }

  /** @returns whether it was away. */
  resumed(what: string): boolean {
    const outage = this.#away.get(what);
    if (!outage) return false;
    this.#away.delete(what);
    const ms = performance.now() - outage.at;
    this.#report({ type: 'session.resumed', what: outage.what, ms, ...busyIf(outage.state) });
    return true;
  }
}

function busyIf(state: State): { readonly busy?: true } {
  return state === 'busy' ? { busy: true } : {};
}

/** For the view of a command whose streams are taken up by themselves: what only a person can mend is told. */
export function tellLogin(report: Reporter): Required<Pick<PodViewOptions, 'onLost' | 'onResumed'>> {
  const outages = new ToldOutages(report);
  return {
    onLost: (cause) => {
      if (cause instanceof LoginFailure) outages.lost('the cluster', cause);
    },
    onResumed: () => void outages.resumed('the cluster'),
  };
}

function wordsOf(cause: unknown): string {
  if (cause instanceof ApiError) return `it answers ${cause.status}: ${cause.message}`;
  return cause instanceof Error ? cause.message : String(cause);
}

/** What a plugin says of a login that has expired is the one thing to know. */
function loginText({ message, detail }: FailureFacts & { readonly message: string }): string {
  const [first = ''] = detail?.split('\n') ?? [];
  return first === '' ? message : `${message}: ${first}`;
}
