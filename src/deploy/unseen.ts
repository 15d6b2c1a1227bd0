import type { Report, Reporter } from '../events.ts';
import type { ApiError, KubeResource } from '../kube/kube.ts';
import { type ApplySet, type ApplySetRef, setFor } from './apply-set.ts';
import { groupKindOf } from './kinds.ts';
import { whyForbidden } from './refusal-words.ts';

/** A kind of the inventory of which the account may not list the objects. */
export interface Unseen {
  readonly resource: KubeResource;
  /** undefined: of the whole cluster. */
  readonly namespace: string | undefined;
  readonly refusal: ApiError;
}

/** @returns a set that has room for what can't be seen: it stays recorded until somebody who may look finds nothing. */
export function setOfUnseen(ref: ApplySetRef, unseen: readonly Unseen[]): ApplySet {
  return setFor(
    ref,
    unseen.map(({ resource: { apiVersion, kind }, namespace }) => ({ apiVersion, kind, namespace, name: '' })),
  );
}

/** @returns one warning a kind. @param follows what comes of it: `nothing of it is pruned`. */
export function warnOfUnseen(
  unseen: readonly Unseen[],
  follows: string,
): readonly Extract<Report, { type: 'warning' }>[] {
  const kinds = new Set(unseen.map(({ resource }) => groupKindOf(resource)));
  return [...kinds].map((kind) => {
    const refusals = unseen.filter(({ resource }) => groupKindOf(resource) === kind);
    const rights = refusals.map(({ refusal }) => whyForbidden(refusal.message));
    return {
      type: 'warning',
      text: `${[...new Set(rights)].join('; ')}: whether ${kind} of the project is there can't be seen, so ${follows}`,
      next: 'ask for the right to list it, or use an account that has it',
    };
  });
}

/** Says once in a session of each kind that nothing of it is pruned. @param told what was said before. */
export function tellUnseen(unseen: readonly Unseen[], told: Set<string>, report: Reporter): void {
  for (const warning of warnOfUnseen(unseen, 'nothing of it is pruned')) {
    if (told.has(warning.text)) continue;
    told.add(warning.text);
    report(warning);
  }
}

/** @returns what can't be seen as results of commands show it. */
export function plainUnseen(unseen: readonly Unseen[]): readonly Record<string, string | undefined>[] {
  return unseen.map(({ resource: { apiVersion, kind }, namespace, refusal }) => ({
    apiVersion,
    kind,
    namespace,
    because: refusal.message,
  }));
}
