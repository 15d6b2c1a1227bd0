import type { SessionSummary, Timed } from '../../src/events.ts';

const never: Timed = { count: 0, medianMs: undefined, slowestMs: undefined, slowest: undefined };

/** The summary of a minute in which nothing happened. */
export const quietSession: SessionSummary = {
  type: 'session.summary',
  ms: 60_000,
  readyMs: undefined,
  builds: { ...never, cached: 0, aborted: 0 },
  rebuilt: never,
  synced: { ...never, files: 0 },
  restarted: never,
  applied: { created: 0, changed: 0, pruned: 0 },
  deleted: 0,
  kept: 0,
  failures: [],
  warnings: 0,
  outages: { count: 0, ms: 0 },
  logLines: 0,
  logCuts: { reconnects: 0, recovered: 0, gaps: 0 },
  connections: 0,
  refusedConnections: 0,
};
