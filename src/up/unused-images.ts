import { Failure, formatPosition } from '../errors.ts';
import { isRecord } from '../lib/is-record.ts';
import { nearest } from '../lib/nearest.ts';
import { nearestImage, repositoryOf, usersOf } from '../manifests/images.ts';
import { kindsWithPods, podTemplatesOf } from '../manifests/pod-template.ts';
import type { RenderedObject } from '../manifests/render-step.ts';
import { formatId, groupOf, idOf } from '../objects.ts';
import type { Project, Service } from '../project.ts';

/** @returns a Failure `usage` for each service whose image no manifest uses. */
export function unusedImages({ services, podTemplates }: Project, rendered: readonly RenderedObject[]): Failure[] {
  const objects = rendered.map(({ object }) => object);
  return services
    .filter(({ image }) => usersOf(image, objects, podTemplates).length === 0)
    .map((service) => {
      const strange = rendered.find(
        ({ object }) =>
          !kindsWithPods.includes(`${groupOf(object.apiVersion)}/${object.kind}`) &&
          podTemplatesOf(object, podTemplates).length === 0 &&
          namesImage(object['spec'], service.image),
      );
      if (strange) return unknownWorkload(service, strange);
      const { name, image, at } = service;
      const near = nearestImage(image, objects, podTemplates);
      return new Failure('usage', `service ${name}: no manifest uses the image ${image}`, {
        where: formatPosition(at),
        next: near
          ? `did you mean ${near}?`
          : 'give the service the image name that its workload has, or add the workload',
      });
    });
}

/** The image is there, in a kind of which nobody knows where it keeps its pods: a misspelt one, or one of somebody's own. */
function unknownWorkload({ name, image }: Service, { object, where }: RenderedObject): Failure {
  const { apiVersion, kind } = object;
  const group = groupOf(apiVersion);
  const known = kindsWithPods.map((each) => each.split('/'));
  const near = nearest(
    kind,
    known.map(([, each = '']) => each),
  );
  const [nearGroup] = known.find(([, each]) => each === near) ?? [];
  const isKnown = near === kind;
  const said = isKnown ? `${kind} is not of ${apiVersion}` : `${apiVersion} ${kind} is no kind whose pods are known`;
  const meant = nearGroup === '' ? 'v1' : `${nearGroup}/v1`;
  return new Failure('usage', `service ${name}: ${formatId(idOf(object))} has the image ${image}, but ${said}`, {
    where,
    next: isKnown
      ? `correct its apiVersion: did you mean ${meant}?`
      : near && group === nearGroup
        ? `did you mean ${near}?`
        : 'correct apiVersion and kind, or name in `podTemplates` where the kind keeps its pods',
  });
}

/** Whether a container or a volume somewhere within has an image, whatever its tag. */
function namesImage(value: unknown, image: string): boolean {
  if (Array.isArray(value)) return value.some((each) => namesImage(each, image));
  if (!isRecord(value)) return false;
  const { image: given } = value;
  const named = isRecord(given) ? given['reference'] : given;
  if (typeof named === 'string' && repositoryOf(named) === repositoryOf(image)) return true;
  return Object.values(value).some((each) => namesImage(each, image));
}
