import type { RawEvent } from '../objects.ts';

/** @returns when it was said last, as `Date.now()`; NaN where the event does not say. */
export function timeOf({ series, lastTimestamp, eventTime }: RawEvent): number {
  return Date.parse(series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? '');
}

/** @returns of which container it is said; undefined where it is of the whole object. */
export function containerOf({ involvedObject }: RawEvent): string | undefined {
  return /\{(.*)\}$/.exec(involvedObject?.fieldPath ?? '')?.[1];
}
