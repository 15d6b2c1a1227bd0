import type { SessionSummary, Timed } from '../events.ts';
import { count, formatMs, type Style } from './style.ts';

/** What a session did, a line for each kind of thing that happened, and nothing of what did not. */
export function formatSummary(summary: SessionSummary, style: Style): string[] {
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['session', sessionParts(summary)],
    ['built', builtParts(summary.builds)],
    ['running', timedParts(summary.rebuilt, 'new image', 'after the save')],
    ['synced', syncedParts(summary.synced)],
    ['restarted', timedParts(summary.restarted, 'time')],
    ['streams', [...logParts(summary), ...forwardParts(summary)]],
    ['deleted', objectParts(summary)],
    ['trouble', troubleParts(summary, style)],
  ];
  const told = rows.filter(([, parts]) => parts.length > 0);
  const width = Math.max(...told.map(([label]) => label.length));
  return ['', ...told.map(([label, parts]) => `  ${style.dim(label.padEnd(width))}  ${parts.join(', ')}`)];
}

function sessionParts({ ms, readyMs }: SessionSummary): readonly string[] {
  return [formatLong(ms), ...(readyMs === undefined ? ['never ready'] : [`ready after ${formatMs(readyMs)}`])];
}

function logParts({ logLines, logCuts: { reconnects, recovered, gaps } }: SessionSummary): readonly string[] {
  return [
    ...some(logLines, `${grouped(logLines)} log line${logLines === 1 ? '' : 's'}`),
    ...some(reconnects, `${count(reconnects, 'reconnect')} (${grouped(recovered)} recovered)`),
    ...some(gaps, count(gaps, 'gap')),
  ];
}

function forwardParts({ connections, refusedConnections }: SessionSummary): readonly string[] {
  return [
    ...some(connections, `${grouped(connections)} connection${connections === 1 ? '' : 's'}`),
    ...some(
      refusedConnections,
      `${grouped(refusedConnections)} refused connection${refusedConnections === 1 ? '' : 's'}`,
    ),
  ];
}

function builtParts({ cached, aborted, ...builds }: SessionSummary['builds']): readonly string[] {
  return [
    ...timedParts(builds, 'image'),
    ...some(cached, `${grouped(cached)} up to date`),
    ...some(aborted, `${grouped(aborted)} stopped`),
  ];
}

function syncedParts({ files, ...synced }: SessionSummary['synced']): readonly string[] {
  const [times, ...rest] = timedParts(synced, 'time', 'after the save');
  return times === undefined ? [] : [`${times} (${grouped(files)} file${files === 1 ? '' : 's'})`, ...rest];
}

function objectParts({ deleted, kept }: SessionSummary): readonly string[] {
  return [...some(deleted, count(deleted, 'object')), ...some(kept, `kept ${grouped(kept)}`)];
}

function troubleParts({ failures, warnings, outages }: SessionSummary, style: Style) {
  const failed = failures.reduce((sum, { count }) => sum + count, 0);
  const kinds = failures.map(({ kind, count }) => `${kind}${count > 1 ? ` ${count}` : ''}`).join(', ');
  return [
    ...some(failed, `${style.paint('red', count(failed, 'failure'))} ${style.dim(`(${kinds})`)}`),
    ...some(warnings, count(warnings, 'warning')),
    ...some(outages.count, `${count(outages.count, 'outage')} (${formatLong(outages.ms)})`),
  ];
}

/** @returns `4 images`, and how fast: one time where there was one, else the median and the slowest. */
function timedParts(
  { count: times, medianMs, slowestMs, slowest }: Timed,
  noun: string,
  since?: string,
): readonly string[] {
  if (medianMs === undefined || slowestMs === undefined) return [];
  const after = since === undefined ? '' : ` ${since}`;
  if (times === 1) return [count(1, noun), `${formatMs(slowestMs)}${after} (${slowest})`];
  return [count(times, noun), `median ${formatMs(medianMs)}${after}`, `slowest ${formatMs(slowestMs)} (${slowest})`];
}

function some(n: number, text: string): readonly string[] {
  return n > 0 ? [text] : [];
}

/** @returns `12 345`, so that a large number can be read. */
function grouped(n: number): string {
  return String(n).replaceAll(/\B(?=(\d{3})+$)/g, ' ');
}

/** @returns what may be days: `2 d 3 h`, `1 h 5 min`, and below that as `formatMs`. */
function formatLong(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return formatMs(ms);
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
