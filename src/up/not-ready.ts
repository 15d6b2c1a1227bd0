import { groupKindOf } from '../deploy/kinds.ts';
import type { NotReady } from '../deploy/wait-ready.ts';
import { Failure } from '../errors.ts';
import { repositoryOf } from '../manifests/images.ts';
import { formatId } from '../objects.ts';
import type { Service } from '../project.ts';

/**
 * @param services those of the config.
 * @returns what to end with when objects are not ready in time, or have failed for good before its end.
 */
export function notReady(
  objects: readonly NotReady[],
  timeoutMs: number,
  services: readonly Pick<Service, 'image'>[],
): Failure {
  const failed = objects.filter(({ isFinal }) => isFinal);
  const late = objects.filter(({ isFinal }) => !isFinal);
  const [only] = objects.length === 1 ? failed : [];
  if (only)
    return new Failure('notReady', `${formatId(only.id)} ${finalWords(only)}`, { detail: only.detail, next: mend });
  const unbuilt = unbuiltOf(objects, services);
  const parts = [
    ...(late.length > 0 ? [`not ready after ${Math.round(timeoutMs / 1000)} s: ${namesOf(late)}`] : []),
    ...(failed.length > 0 ? [`${late.length > 0 ? 'failed for good' : 'failed'}: ${namesOf(failed)}`] : []),
  ];
  return new Failure('notReady', parts.join('; '), {
    detail: objects.flatMap(linesOf).join('\n'),
    next:
      unbuilt.length > 0
        ? `no service of stormctl.yaml builds ${unbuilt.join(', ')}: give it one if it is built here, else correct its name`
        : late.length > 0
          ? 'mend it and run again, or give it more time with --timeout'
          : mend,
  });
}

const mend = 'mend it and run again';

/** Images that can't be pulled, by names that lead to no registry of one's own, and that no service builds. */
function unbuiltOf(objects: readonly NotReady[], services: readonly Pick<Service, 'image'>[]): readonly string[] {
  const built = new Set(services.map(({ image }) => repositoryOf(image)));
  const unpulled = objects.flatMap(({ unpulled }) => (unpulled === undefined ? [] : [repositoryOf(unpulled)]));
  return [...new Set(unpulled)].filter((image) => !built.has(image) && !/^(?:localhost|[^/]*[.:][^/]*)\//u.test(image));
}

/** What stands below an object is of it. */
function linesOf(object: NotReady): readonly string[] {
  const { id, because, isFinal, detail } = object;
  const below = detail === undefined ? [] : detail.split('\n').map((line) => `  ${line}`);
  return [isFinal ? `${formatId(id)} ${finalWords(object)}` : `${formatId(id)}: ${because}`, ...below];
}

/** A Job or a bare pod has its tries; the others would become ready if somebody mended what keeps them. */
function finalWords({ id, because }: NotReady): string {
  return ['Job.batch', 'Pod'].includes(groupKindOf(id))
    ? `failed: ${because}; it is not tried again`
    : `does not become ready: ${because}`;
}

function namesOf(objects: readonly NotReady[]): string {
  return objects.map(({ id }) => formatId(id)).join(', ');
}
