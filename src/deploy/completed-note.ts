import { createHash } from 'node:crypto';
import { isRecord } from '../lib/is-record.ts';
import { pulledImagesOf } from '../manifests/images.ts';
import { keyOf, type KubeObject, type ObjectId } from '../objects.ts';
import { groupKindOf } from './kinds.ts';

/** A Job as it was sent. */
export interface Sent {
  readonly id: ObjectId;
  readonly object: KubeObject;
  readonly body: string;
}

/**
 * @param text the annotation of the inventory; what is not understood of it is nothing, and a Job runs again then.
 * @returns by key the notes of the Jobs that completed.
 */
export function readCompletedJobs(text: string | undefined): ReadonlyMap<string, string> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    const entries = isRecord(value) ? Object.entries(value) : [];
    return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch {
    return new Map();
  }
}

/** Whether a Job that the cluster removes by itself completed as it is to be sent. */
export function hasCompleted({ id, object, body }: Sent, remembered: ReadonlyMap<string, string>): boolean {
  return hasTimeToLive(object) && isNoteOf(remembered.get(keyOf(id)), body);
}

/** @returns what is kept of a Job that completed: the hash of what was sent, and `NAME=IMAGE` of each image that it pulls. */
export function noteOf({ object, body }: Pick<Sent, 'object' | 'body'>): string {
  return [hashOf(body), ...pulledImagesOf(object).map(({ name, image }) => `${name}=${image}`)].join(' ');
}

export function isNoteOf(note: string | undefined, body: string): boolean {
  return note?.split(' ', 1)[0] === hashOf(body);
}

/** @returns by the name of its container or volume each image that a Job had when it completed; nothing of one that is not remembered. */
export function imagesOfCompleted(id: ObjectId, remembered: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const [, ...images] = remembered.get(keyOf(id))?.split(' ') ?? [];
  return new Map(
    images.map((each) => {
      const at = each.indexOf('=');
      return [each.slice(0, at), each.slice(at + 1)];
    }),
  );
}

/** https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/ */
export function hasTimeToLive(object: KubeObject): boolean {
  const { ttlSecondsAfterFinished } = (object['spec'] ?? {}) as { readonly ttlSecondsAfterFinished?: unknown };
  return groupKindOf(object) === 'Job.batch' && ttlSecondsAfterFinished !== undefined;
}

function hashOf(body: string): string {
  return createHash('sha256').update(body).digest('base64url').slice(0, 12);
}
