import type { ContainerState } from '../pods/pod-state.ts';
import { backoff } from '../lib/wait.ts';
import type { ContainerLog } from './container-log.ts';
import type { ContainerRuns } from './container-runs.ts';
import { mostRefusals } from './end-of-run.ts';

/** How the log of the run before another one was read. */
interface PreviousEnd {
  /**
   * `none`: there is no such log; `unknown`: the container went on meanwhile, and that log, and the end of a line that was
   * cut, are still to come.
   */
  readonly end: 'whole' | 'none' | 'unknown';
  /** Lines behind the last one that was told are gone. */
  readonly isLost: boolean;
}

export interface PreviousOptions {
  readonly log: ContainerLog;
  readonly runs: ContainerRuns;
  /** How many runs, from the first on, are told to their ends, or are not wanted. */
  readonly toldRuns: number;
  /** Told lines come by again if that log is whole. */
  readonly isExpected: boolean;
}

/** Tells what was not yet told of the run before `run`, a gap before its first line included. */
export async function completePrevious(
  run: ContainerState,
  { log, runs, toldRuns, isExpected }: PreviousOptions,
): Promise<PreviousEnd> {
  const before = run.restarts - 1;
  const last = log.lastRun;
  // Runs of which no log is kept.
  const isSkipped = last !== undefined && last < before && toldRuns < before;
  let told = 0;
  let refusals = 0;
  const pauses = backoff(100, 1000);
  while (runs.isLast(run)) {
    const reading = log.position.read();
    const isLost = () => told === 0 && (isSkipped || (isExpected && !reading.overlaps));
    log.readRun = before;
    const { kind, gotData } = await log.pass({ previous: true }, reading, (line) => {
      if (!reading.isNew(line)) return true;
      if (isLost()) log.miss();
      log.tell(line);
      told++;
      return true;
    });
    // A busy node may say for a moment that it has no such log. Before a first run, and before one that was told, is none.
    const isRefused = kind === 'refused';
    const isOther = isRefused && (await runs.isOther(run));
    const isDoubtful = isRefused && (run.restarts > toldRuns || isOther) && ++refusals < mostRefusals;
    if (kind === 'cut' || kind === 'absent' || isDoubtful) {
      await runs.untilNews(run, { over: true, ms: (isDoubtful ? pauses : log.delays).next() });
      continue;
    }
    // Where nothing came, what is unfinished is of the log that goes on.
    if (kind === 'ended' && gotData) log.tellTail();
    // What was taken for `run` is the log of the next one, as long as the view does not know of it.
    const known = Math.max(run.restarts, last ?? 0);
    log.readRun = (reading.overlaps && last === known) || isOther ? known + 1 : known;
    return { end: kind === 'ended' ? 'whole' : 'none', isLost: isLost() };
  }
  return { end: 'unknown', isLost: false };
}
