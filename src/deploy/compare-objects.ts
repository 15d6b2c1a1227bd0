import { compareFields, type FieldChange, joinPath } from '../lib/field-changes.ts';
import { isRecord, recordOf } from '../lib/is-record.ts';
import type { KubeObject } from '../objects.ts';
import { withoutNoise, withoutSupervisor } from './noise.ts';

/** @returns an object that is not there yet as it is shown: as the manifests have it, with `***` for every value of a Secret. */
export function shown(rendered: KubeObject): KubeObject {
  const object = withoutNoise(rendered);
  if (!isSecret(object)) return object;
  const hidden = valueFields.flatMap((field) => {
    const values = object[field];
    return isRecord(values) ? [[field, Object.fromEntries(Object.keys(values).map((key) => [key, stars]))]] : [];
  });
  return { ...object, ...Object.fromEntries(hidden) };
}

const valueFields = ['data', 'stringData'] as const;
const stars = '***';

/** @returns what a manifest can have of two states of an object and that differs; of Secrets no values. */
export function compareObjects(live: KubeObject, after: KubeObject): readonly FieldChange[] {
  return changesOf(live, after).map((change) => ({
    ...change,
    before: withoutSupervisor(change.before),
    after: withoutSupervisor(change.after),
  }));
}

function changesOf(live: KubeObject, after: KubeObject): readonly FieldChange[] {
  const [was, is] = [withoutNoise(live), withoutNoise(after)];
  if (!isSecret(live)) return compareFields(was, is);
  const [open, shut] = [split(was), split(is)];
  const hidden = valueFields.flatMap((field) => compareHidden(open.values[field], shut.values[field], field));
  return [...compareFields(open.rest, shut.rest), ...hidden];
}

function split({ data, stringData, ...rest }: KubeObject) {
  return { rest, values: { data, stringData } };
}

function compareHidden(before: unknown, after: unknown, field: string): readonly FieldChange[] {
  const [was, is] = [recordOf(before), recordOf(after)];
  const keys = new Set([...Object.keys(was), ...Object.keys(is)]);
  return [...keys].flatMap((key) => {
    const [old, now] = [was[key], is[key]];
    if (old === now) return [];
    const hide = (value: unknown) => (value === undefined ? undefined : stars);
    return [{ path: joinPath(field, key), before: hide(old), after: hide(now) }];
  });
}

function isSecret({ apiVersion, kind }: KubeObject): boolean {
  return apiVersion === 'v1' && kind === 'Secret';
}
