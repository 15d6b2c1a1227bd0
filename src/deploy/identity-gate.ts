import { Failure, isAbort } from '../errors.ts';
import { ApiError } from '../kube/kube.ts';
import type { Kube } from '../kube/kube.ts';
import { untilAborted } from '../lib/abort.ts';
import type { Gate } from './gated-kube.ts';
import { checkIdentity } from './identity.ts';
import type { ClusterIdentity } from './identity.ts';

/**
 * Keeps a session to the cluster that it began with: after every break of a connection the cluster is asked which one it
 * is, before it is written to and before a watch goes on.
 */
export class IdentityGate implements Gate {
  readonly #kube: Kube;
  readonly #identity: ClusterIdentity;
  readonly #other = new AbortController();
  #breaks = 0;
  /** How many breaks there were when the cluster was asked last. */
  #checked = 0;
  #checking: Promise<void> | undefined;

  /** @param kube without a gate. */
  constructor(kube: Kube, identity: ClusterIdentity) {
    this.#kube = kube;
    this.#identity = identity;
  }

  /** Aborted, with a Failure `guard` as its reason, once it is another cluster: no write passes from then on. */
  get other(): AbortSignal {
    return this.#other.signal;
  }

  async beforeWrite(signal: AbortSignal | undefined): Promise<void> {
    this.#other.signal.throwIfAborted();
    while (this.#checked < this.#breaks) await untilAborted(this.#check(), signal);
  }

  onBroken(error: unknown): void {
    // What the credentials say: the kubeconfig names another server by now.
    if (error instanceof Failure && error.kind === 'guard') return this.#refuse(error);
    if (isAbort(error) || error instanceof ApiError) return;
    this.#breaks++;
    if (isOtherAuthority(error)) this.#refuse(this.#otherAuthority(error));
  }

  async onBack(signal: AbortSignal): Promise<void> {
    try {
      await this.beforeWrite(signal);
    } catch (error) {
      // Gone again, or not to be asked just now: the next write asks.
      if (this.#other.signal.aborted || signal.aborted) throw error;
    }
  }

  #check(): Promise<void> {
    this.#checking ??= this.#checkOnce().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #checkOnce(): Promise<void> {
    const breaks = this.#breaks;
    try {
      await checkIdentity(this.#kube, this.#identity);
      this.#checked = breaks;
    } catch (error) {
      if (isOtherAuthority(error)) this.#refuse(this.#otherAuthority(error));
      if (error instanceof Failure && error.kind === 'guard') this.#refuse(error);
      this.#other.signal.throwIfAborted();
      throw error;
    }
  }

  #refuse(failure: Failure): void {
    if (!this.#other.signal.aborted) this.#other.abort(failure);
  }

  #otherAuthority(cause: unknown): Failure {
    const { context, server } = this.#kube.target;
    return new Failure('guard', `context ${context} now leads to another cluster than when this began`, {
      where: server,
      detail: 'its certificate is not signed any more by the authority that signed it then',
      next: 'nothing was written to it; start again if that is the cluster you want',
      cause,
    });
  }
}

/** A cluster that is made anew at the address of the old one has an authority of its own. */
function isOtherAuthority(error: unknown): boolean {
  if (!(error instanceof Failure) || error.kind !== 'unreachable') return false;
  const { code = '' } = (error.cause ?? {}) as { code?: string };
  return /^(DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|CERT_SIGNATURE_FAILURE)/.test(code);
}
