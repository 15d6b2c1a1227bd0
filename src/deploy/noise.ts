import { isRecord, recordOf } from '../lib/is-record.ts';
import { partOfLabel } from '../manifests/own.ts';
import { supervisorMark } from '../manifests/supervisor.ts';
import { type KubeObject, projectLabel } from '../objects.ts';

/** What the server and its controllers keep in the metadata, for themselves. */
const ofServer: ReadonlySet<string> = new Set([
  'managedFields',
  'resourceVersion',
  'generation',
  'uid',
  'selfLink',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generateName',
]);
const ownLabels: ReadonlySet<string> = new Set([projectLabel, partOfLabel]);
/** With a whole object in its value, of Secrets too; and what the Deployment controller counts. */
const annotationsOfTools = /^(kubectl\.kubernetes\.io\/last-applied-configuration|deployment\.kubernetes\.io\/.*)$/;
/** Those that the server gives to a Job and its pods, from its uid. */
const labelsOfJobs = /^(batch\.kubernetes\.io\/)?(controller-uid|job-name)$/;

/** @returns what a manifest can have of an object as the server gives it: neither its state nor what marks it as ours. */
export function withoutNoise(object: KubeObject): KubeObject {
  const { status: _status, ...rest } = object;
  const metadata = Object.fromEntries(
    Object.entries(object.metadata).flatMap(([key, value]) => {
      if (ofServer.has(key)) return [];
      if (key === 'labels') return filled(key, value, (label) => ownLabels.has(label));
      return key === 'annotations' ? filled(key, value, (name) => annotationsOfTools.test(name)) : [[key, value]];
    }),
  ) as KubeObject['metadata'];
  const lean = { ...rest, metadata };
  return object.kind === 'Job' ? (withoutJobLabels(lean) as KubeObject) : lean;
}

const containerFields: ReadonlySet<string> = new Set(['containers', 'initContainers']);

/**
 * @returns a Pod without what each one is given anew: the volume of its token, whose name is another one each time, and,
 * where it was not asked for, its node.
 */
export function withoutGiven(pod: KubeObject, wanted: KubeObject): KubeObject {
  const spec = recordOf(pod['spec']);
  const lean = Object.fromEntries(
    Object.entries(spec).flatMap(([field, value]) => {
      if (field === 'nodeName' && recordOf(wanted['spec'])[field] === undefined) return [];
      if (field === 'volumes') return withoutToken(field, value);
      if (!containerFields.has(field) || !Array.isArray(value)) return [[field, value]];
      return [[field, value.map(withoutTokenMount)]];
    }),
  );
  return { ...pod, spec: lean };
}

function withoutTokenMount(container: unknown): unknown {
  if (!isRecord(container)) return container;
  const { volumeMounts, ...rest } = container;
  return { ...rest, ...Object.fromEntries(withoutToken('volumeMounts', volumeMounts)) };
}

function withoutToken(field: string, list: unknown): readonly (readonly [string, unknown])[] {
  if (!Array.isArray(list)) return list === undefined ? [] : [[field, list]];
  const left = list.filter((each) => !String(recordOf(each)['name']).startsWith('kube-api-access-'));
  return left.length === 0 ? [] : [[field, left]];
}

/** @returns a value with a few words for the script that `dev` puts before the command of a container (`afterSync: restart`). */
export function withoutSupervisor(value: unknown): unknown {
  if (typeof value === 'string') return value.includes(supervisorMark) ? 'the supervisor of `stormctl dev`' : value;
  if (Array.isArray(value)) return value.map(withoutSupervisor);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutSupervisor(item)]));
}

/** None at all and none that is left are the same. */
function filled(
  key: string,
  value: unknown,
  isNoise: (name: string) => boolean,
): readonly (readonly [string, unknown])[] {
  const left = Object.entries(recordOf(value)).filter(([name]) => !isNoise(name));
  return left.length === 0 ? [] : [[key, Object.fromEntries(left)]];
}

function withoutJobLabels(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutJobLabels);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => {
      if (key === 'labels' || key === 'matchLabels') return filled(key, item, (label) => labelsOfJobs.test(label));
      if (
        key === 'selector' &&
        isRecord(item) &&
        filled('', item['matchLabels'], (l) => labelsOfJobs.test(l)).length === 0
      )
        return [];
      // Within a template it is null, where it was sent so.
      return key === 'creationTimestamp' ? [] : [[key, withoutJobLabels(item)]];
    }),
  );
}
