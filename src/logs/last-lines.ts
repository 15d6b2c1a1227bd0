import type { ContainerState } from '../pods/pod-state.ts';
import type { ContainerLog } from './container-log.ts';
import type { ContainerRuns } from './container-runs.ts';
import type { StreamEnd } from './log-stream.ts';
import type { StampedLine } from './stamped-lines.ts';

export interface LastLinesOptions {
  readonly log: ContainerLog;
  readonly runs: ContainerRuns;
  /** The run, by its restarts, of which they are wanted. */
  readonly run: number;
  /** undefined: no limit, so there is nothing to read. */
  readonly tailLines: number | undefined;
  readonly since: { readonly sinceTime?: string };
}

/**
 * The last lines of the run that was there when a follow began. They are read before the log is followed: only a log that
 * was read to its end says that it was empty, and that all that comes later is wanted, even if the stream is cut before its
 * first line (docs/decisions/0026-where-logs-start.md).
 */
export class LastLines {
  readonly #options: LastLinesOptions;
  #isWanted: boolean;

  constructor(options: LastLinesOptions) {
    this.#options = options;
    this.#isWanted = options.tailLines !== undefined;
  }

  /** It is not known yet where the lines begin that are to be told. */
  get areWanted(): boolean {
    return this.#isWanted;
  }

  /** Tells them. One of them that breaks off leaves the rest to who reads on. */
  async read(run: ContainerState, over: boolean, previous = false): Promise<StreamEnd> {
    const { log, tailLines = 0, since } = this.#options;
    const { position } = log;
    const reading = position.read();
    log.readRun = run.restarts - (previous ? 1 : 0);
    const passed: StampedLine[] = [];
    // Of no lines at all it would not be known behind which one they come.
    const request = { ...(previous ? { previous } : {}), tailLines: Math.max(1, tailLines), ...since };
    const end = await log.pass(request, reading, (line) => {
      if (tailLines === 0) passed.push(line);
      else if (reading.isNew(line)) {
        if (position.empty) position.keepFrom(line);
        log.tell(line);
      }
      return true;
    });
    if (tailLines === 0) log.dropTail();
    if (end.kind === 'ended') {
      if (tailLines === 0 && over && end.tail) passed.push({ ...end.tail, ended: true });
      for (const line of passed) {
        position.keepFrom(line);
        log.passOver(line);
      }
      if (position.empty && end.tail && reading.isNew(end.tail)) position.keepFrom(end.tail);
    }
    if (end.kind === 'ended' || !position.empty) this.#isWanted = false;
    return end;
  }

  /** The run was over before they could be read: they are in the log of the run before `run`. @returns whether it was. */
  async readPrevious(run: ContainerState): Promise<boolean> {
    const { log, runs } = this.#options;
    // Another run has ended since: that one is wanted whole.
    if (run.restarts - 1 !== this.#options.run) this.#isWanted = false;
    while (this.#isWanted && runs.isLast(run)) {
      const { kind } = await this.read(run, true, true);
      if (kind === 'ended' || kind === 'refused') {
        log.tellTail();
        this.#isWanted = false;
        return true;
      }
      if (this.#isWanted) await runs.untilNews(run, { over: true, ms: log.delays.next() });
    }
    return false;
  }
}
