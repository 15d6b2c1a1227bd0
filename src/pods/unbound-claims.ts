import type { PodState } from './pod-state.ts';

/** What is known of why a claim has no volume. */
export interface WhyUnbound {
  readonly why: string;
  /** Whether it is more than a step on the way to one. */
  readonly isFault: boolean;
}

/**
 * @returns which claims a pod waits for, since the scheduler says only that there are such, or nothing as long as a volume
 * is made; undefined where it waits for none, as far as is known.
 */
export function unboundClaims(
  { claims, node, message }: Pick<PodState, 'claims' | 'node' | 'message'>,
  whyOf: (claim: string) => WhyUnbound | undefined = () => undefined,
): { readonly words: string; readonly isFault: boolean } | undefined {
  const isSaid = /unbound immediate PersistentVolumeClaims/.test(message ?? '');
  if (claims.length === 0 || (!isSaid && (node !== undefined || message !== undefined))) return undefined;
  const known = claims.flatMap((claim) => {
    const found = whyOf(claim);
    return found ? [{ words: `its claim ${claim} is not bound: ${found.why}`, isFault: found.isFault }] : [];
  });
  if (known.length > 0)
    return { words: known.map(({ words }) => words).join('; '), isFault: known.some(({ isFault }) => isFault) };
  if (!isSaid) return undefined;
  const words =
    claims.length === 1
      ? `its claim ${claims[0]} is not bound`
      : `not all of its claims are bound: ${claims.join(', ')}`;
  return { words, isFault: false };
}
