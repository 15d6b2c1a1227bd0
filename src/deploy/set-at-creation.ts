import type { ApiError } from '../kube/kube.ts';
import type { FieldChange } from '../lib/field-changes.ts';
import { nameSome } from './name-some.ts';

const ofStatefulSet = /updates to statefulset spec for fields other than (.*) are forbidden/su;
const ofPod = /pod updates may not change fields other than ([^\n]*)/u;

/** Whether the server names what can be changed in place, and of what can't no more than `spec`. */
export function isVague({ message }: ApiError): boolean {
  return ofStatefulSet.test(message) || ofPod.test(message);
}

/**
 * @param because what the server says: of a StatefulSet and a Pod that its `spec` can't be changed, but for some fields.
 * @param fields what would be changed.
 * @returns the same by the fields that would be.
 */
export function exactly(because: string, { message }: ApiError, fields: readonly FieldChange[]): string {
  const [freeOfSet, freeOfPod] = [ofStatefulSet, ofPod].map((pattern) => pattern.exec(message)?.[1]);
  const paths = fields.map(({ path }) => path);
  const fixed = freeOfSet === undefined ? fixedOfPod(freeOfPod, paths) : fixedOfSet(freeOfSet, paths);
  return fixed.length === 0 ? because : `${nameSome([...new Set(fixed)], String)} can be set only at creation`;
}

function fixedOfSet(others: string, paths: readonly string[]): readonly string[] {
  const free = new Set(others.match(/\w+/gu));
  return paths.flatMap((path) => {
    const [, name] = /^spec\.(\w+)/u.exec(path) ?? [];
    return name === undefined || free.has(name) ? [] : [`spec.${name}`];
  });
}

/** `spec.containers[*].image`, and `spec.tolerations` (only additions to existing tolerations): that counts where nothing else differs. */
function fixedOfPod(others: string | undefined, paths: readonly string[]): readonly string[] {
  const free = [...(others ?? '').matchAll(/`([^`]+)`( \()?/gu)].map(([, field = '', condition]) => ({
    pattern: new RegExp(`^${field.replaceAll(/[.[\]]/gu, '\\$&').replace('*', '[^\\]]+')}(?:[.[ ]|$)`, 'u'),
    isAlways: condition === undefined,
  }));
  const ofSpec = paths.filter((path) => others !== undefined && path.startsWith('spec.'));
  const without = (taken: typeof free) => ofSpec.filter((path) => !taken.some(({ pattern }) => pattern.test(path)));
  const certain = without(free);
  return certain.length > 0 ? certain : without(free.filter(({ isAlways }) => isAlways));
}
