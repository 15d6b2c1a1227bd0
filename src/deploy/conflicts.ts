import { Failure } from '../errors.ts';
import { ApiError } from '../kube/kube.ts';
import { formatPlaced } from '../objects.ts';
import type { ObjectId } from '../objects.ts';

/** A field that the manifest gives and that somebody else holds with another value. */
export interface Conflict {
  readonly manager: string;
  /** Through which it wrote: `scale`. */
  readonly subresource?: string | undefined;
  readonly field: string;
}

/**
 * Tools that write whole manifests, as stormctl does: between two of them the last one has its way, and what they wrote is
 * ours from the first apply on. Any other manager set its field on purpose (`kubectl scale`, an autoscaler, an operator).
 */
const manifestTools: ReadonlySet<string> = new Set([
  'before-first-apply',
  'kubectl',
  'kubectl-client-side-apply',
  'kubectl-create',
  'kubectl-last-applied',
  'kubectl-replace',
  'helm',
  'skaffold',
  'tilt',
  'stormctl',
]);

export function isManifestTool(manager: string): boolean {
  return manifestTools.has(manager);
}

/** @returns whether the field is taken without a question. Through a subresource it was set by itself, and on purpose. */
export function isTakenOver({ manager, subresource }: Conflict): boolean {
  return subresource === undefined && isManifestTool(manager);
}

/** @returns the fields that a server-side apply was refused for; none when that was not why. */
export function conflictsOf(error: unknown): readonly Conflict[] {
  if (!(error instanceof ApiError) || error.status !== 409) return [];
  return (error.details?.causes ?? []).flatMap(({ reason, message, field }) => {
    if (reason !== 'FieldManagerConflict') return [];
    // `conflict with "kubectl-scale" with subresource "scale" using apps/v1`
    const [, manager = 'another manager', , subresource] =
      /^conflict with "([^"]*)"( with subresource "([^"]*)")?/.exec(message ?? '') ?? [];
    return [{ manager, subresource, field: field ?? '(a field)' }];
  });
}

/** @returns what a user is told of an object that others hold fields of. */
export function conflictFailure(id: ObjectId, where: string, conflicts: readonly Conflict[], cause: unknown): Failure {
  const held = [...new Set(conflicts.map(holderOf))];
  const words = held.map((manager) => {
    const fields = [...new Set(conflicts.filter((each) => holderOf(each) === manager).map(({ field }) => field))];
    return `${fields.join(', ')} ${fields.length === 1 ? 'is' : 'are'} held by ${manager}`;
  });
  return new Failure('refused', `${formatPlaced(id)}: ${words.join('; ')}`, {
    where,
    detail: 'the object is left as it is: the API server takes all of it or nothing',
    next: 'take the field out of the manifest and leave it to its holder, or take it over with --force-conflicts',
    cause,
  });
}

function holderOf({ manager, subresource }: Conflict): string {
  return subresource ? `${manager} (${subresource})` : manager;
}
