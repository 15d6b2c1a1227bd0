import type { Kube } from '../kube/kube.ts';
import { never } from '../lib/abort.ts';
import type { KubeObject } from '../objects.ts';
import type { ApplySet, Member } from './apply-set.ts';
import { adoptClaims, findOutgrownClaims } from './claims.ts';
import type { Unseen } from './unseen.ts';

/** The claims that StatefulSets leave behind when one apply makes them again without the templates of these. */
export class LeftClaims {
  readonly #kube: Kube;
  readonly #onUnseen: (unseen: readonly Unseen[]) => void;
  readonly #members: Member[] = [];
  #set: ApplySet;

  /** @param set as it is recorded. @param onUnseen told where there may be claims that can't be listed. */
  constructor(kube: Kube, set: ApplySet, onUnseen: (unseen: readonly Unseen[]) => void) {
    this.#kube = kube;
    this.#set = set;
    this.#onUnseen = onUnseen;
  }

  /** The set as it is recorded now. */
  get set(): ApplySet {
    return this.#set;
  }

  /** What became members. */
  get members(): readonly Member[] {
    return this.#members;
  }

  /**
   * Takes the claims that `object` will not have into the set, while the StatefulSet that tells of them is there.
   * @throws ApiError when they may not be marked; Failure `unreachable`.
   */
  async keep(statefulSet: Member, object: KubeObject): Promise<void> {
    const { claims, unseen } = await findOutgrownClaims(this.#kube, this.#set, statefulSet, object, never);
    if (unseen.length > 0) this.#onUnseen(unseen);
    const adopted = await adoptClaims(this.#kube, this.#set, claims, never);
    this.#set = adopted.set;
    this.#members.push(...adopted.claims);
    const [unmarked] = adopted.unmarked;
    if (unmarked) throw unmarked.refusal;
  }
}
