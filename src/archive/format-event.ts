import type { RawEvent } from '../objects.ts';

/** @returns events as lines, the oldest first. */
export function formatEvents(events: readonly RawEvent[]): readonly string[] {
  return events.map((event) => `${timeOf(event)} ${formatEvent(event)}\n`).sort();
}

function formatEvent({ type = '', reason = '', message = '', count = 1, involvedObject }: RawEvent): string {
  const times = count > 1 ? ` (${count} times)` : '';
  const object = `${involvedObject?.kind?.toLowerCase() ?? ''}/${involvedObject?.name ?? ''}`;
  return `${type.padEnd(7)} ${object} ${reason}: ${message.replaceAll(/\s*\n\s*/g, ' ')}${times}`;
}

function timeOf({ lastTimestamp, eventTime, firstTimestamp, metadata }: RawEvent): string {
  return lastTimestamp ?? eventTime ?? firstTimestamp ?? metadata.creationTimestamp ?? '';
}
