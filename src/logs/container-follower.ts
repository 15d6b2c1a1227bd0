import type { ContainerState } from '../pods/pod-state.ts';
import { ContainerLog, type ContainerLogOptions } from './container-log.ts';
import { ContainerRuns } from './container-runs.ts';
import { EndOfRun } from './end-of-run.ts';
import { LastLines } from './last-lines.ts';
import type { LogLimits, LogStart } from './log-choice.ts';
import type { StreamEnd } from './log-stream.ts';
import { completePrevious } from './previous-run.ts';
import type { StampedLine } from './stamped-lines.ts';

export interface ContainerFollowerOptions extends ContainerLogOptions {
  /** How many runs, from the first on, are of no interest: those that were over when the follow began. */
  readonly ignoredRuns: number;
  /** Where the run behind those is taken up. */
  readonly start: LogStart;
}

/**
 * Tells the log of one container of one pod, through all its runs, each line once and in order. The end of a stream is
 * only believed when it was begun after the container's end was known; every other end is a cut, and is resumed.
 */
export class ContainerFollower {
  readonly #log: ContainerLog;
  readonly #runs: ContainerRuns;
  readonly #lastLines: LastLines;
  readonly #since: { readonly sinceTime?: string };
  /** Runs whose logs were told to the end, or are not wanted. */
  #toldRuns: number;
  /** The log was read before: if what comes next is not that log, the end of that one was missed. */
  #resumed = false;
  /** A line of the run was told: the log is known to be its own, not that of a run which the view does not show yet. */
  #isOwn = false;
  /** The stream broke and no other one has ended as it should: more may have been written behind the last line. */
  #broken = false;
  /** The stamp of the last line of a file of the log when the next one was empty: of what lies between, all is said. */
  #readOut: string | undefined;

  constructor(options: ContainerFollowerOptions, signal: AbortSignal) {
    const { start, ignoredRuns } = options;
    const log = new ContainerLog(options, signal);
    const runs = new ContainerRuns(options, signal);
    const { sinceTime, tailLines }: LogLimits = start === 'all' ? {} : start;
    if (sinceTime !== undefined) log.position.keepSince(sinceTime);
    this.#log = log;
    this.#runs = runs;
    this.#since = sinceTime === undefined ? {} : { sinceTime };
    this.#lastLines = new LastLines({ log, runs, run: ignoredRuns, tailLines, since: this.#since });
    this.#toldRuns = ignoredRuns;
  }

  /** Resolves when the pod is gone. Throws AbortError, and the ApiError when logs may not be read at all. */
  async run(): Promise<void> {
    try {
      let told: string | undefined;
      for (;;) {
        const run = await this.#runs.next(told);
        if (!run) break;
        await this.#endPrevious(run, told !== undefined);
        this.#resumed = false;
        this.#isOwn = false;
        if (await this.#followRun(run)) this.#toldRuns = run.restarts + 1;
        told = run.containerId;
      }
      this.#log.end(this.#broken);
    } finally {
      this.#log.settle();
    }
  }

  /**
   * Tells the end of the run before `run`. One that was followed to its end is looked at once more, for what a busy node
   * wrote late: see `EndOfRun`.
   */
  async #endPrevious(run: ContainerState, followed: boolean): Promise<void> {
    if (followed && (await this.#lastLines.readPrevious(run))) this.#toldRuns = run.restarts;
    const log = this.#log;
    const isTold = run.restarts <= this.#toldRuns;
    if (isTold && !followed) return;
    // Told lines of `run` itself, read before the view knew of it, are not in that log.
    const isExpected = !isTold && log.lastRun === run.restarts - 1;
    const { end, isLost } = await this.#completePrevious(run, isExpected);
    if (isTold) return;
    // The run before may not have been told, and its log is gone; where lines of `run` were told, it was seen to before them.
    const isGone = end === 'none' && log.lastRun !== run.restarts;
    if (isGone) log.tellTail();
    if (isLost || isGone) log.miss();
    if (end !== 'unknown') this.#toldRuns = run.restarts;
    // Of `run` nothing was read.
    else if (!this.#runs.now()) this.#broken = true;
  }

  #completePrevious(run: ContainerState, isExpected: boolean) {
    return completePrevious(run, { log: this.#log, runs: this.#runs, toldRuns: this.#toldRuns, isExpected });
  }

  /** @returns whether the run was told to its end; false when the next run, or the pod's end, came first. */
  async #followRun(run: ContainerState): Promise<boolean> {
    const log = this.#log;
    const end = new EndOfRun();
    for (;;) {
      const now = this.#runs.now();
      if (now?.containerId !== run.containerId) return false;
      const over = now?.state !== 'running';
      const isStart = this.#lastLines.areWanted;
      const { kind, gotData, emptied } = isStart ? await this.#begin(run, over) : await this.#read(run, !over);
      if (emptied === 'late') {
        log.tellTail();
        log.tellLoss();
      }
      if (emptied !== undefined) this.#readOut = log.position.last;
      if (kind === 'cut' || kind === 'ended') this.#broken = kind === 'cut' || (isStart && !over);
      if (over && end.isReached(kind)) {
        log.settle();
        // What is behind the last line may come when this is the run before another one; if nobody has it, that is said there.
        if (this.#broken && !log.tail) return false;
        log.tellTail();
        if (this.#broken) log.miss();
        this.#broken = false;
        return true;
      }
      this.#resumed = true;
      if (isStart && kind === 'ended' && !over) continue;
      if (!over && gotData) log.lose();
      await this.#runs.untilNews(run, { over, ms: log.delays.next() });
    }
  }

  async #begin(run: ContainerState, over: boolean): Promise<StreamEnd> {
    // The view may have been cut off together with the read before this one.
    if (this.#resumed && !(await this.#runs.isCurrent(run)))
      return { kind: 'cut', gotData: false, tail: undefined, message: undefined };
    return this.#lastLines.read(run, over);
  }

  async #read(run: ContainerState, follow: boolean): Promise<StreamEnd> {
    const log = this.#log;
    const reading = log.position.read();
    const known = log.tail;
    // The view may be behind: then the log that is read is that of a later run.
    log.readRun = Math.max(run.restarts, log.lastRun ?? 0);
    const tell = (line: StampedLine) => {
      this.#resumed = false;
      this.#isOwn = true;
      log.tell(line);
      return true;
    };
    const end = await log.pass({ follow, ...this.#since }, reading, (line) => {
      log.recover();
      if (!reading.isNew(line)) return true;
      if (reading.overlaps || (!this.#resumed && this.#isOwn)) return tell(line);
      if (!this.#resumed) return this.#runs.isOther(run).then((isOther) => !isOther && tell(line));
      return this.#meetGap(run, line).then((found) => found !== undefined && tell(found));
    });
    if (end.letGo || reading.overlaps || (!this.#resumed && this.#isOwn)) return end;
    if (log.tail && log.tail !== known && (!this.#hasNoLineBefore(run) || (await this.#runs.isOther(run))))
      log.dropTail();
    // The log of the next run, which has nothing yet, says nothing of where this one ended.
    return end.kind === 'ended' && !follow && (await this.#runs.isOther(run)) ? { ...end, kind: 'cut' } : end;
  }

  /**
   * A log that is resumed begins with lines that were told before; this is for one that doesn't. The run may be another
   * one, or the pod, or older lines were dropped. @returns the line as it is to be told; undefined: it is not the next one.
   */
  async #meetGap(run: ContainerState, line: StampedLine): Promise<StampedLine | undefined> {
    const log = this.#log;
    const { tail } = log;
    if (this.#hasNoLineBefore(run)) return (await this.#runs.isOther(run)) ? undefined : line;
    if (!(await this.#runs.isPodThere())) return undefined;
    // Then it may be the same run, from whose log older lines were dropped.
    const isExpected = log.lastRun !== undefined && log.lastRun >= run.restarts - 1;
    const { end, isLost } = await this.#completePrevious(run, isExpected);
    // What comes belongs behind the end of the run before, which is read when the view shows the next one.
    if (end === 'unknown') return undefined;
    const isReadOut = log.position.last === this.#readOut;
    if (end === 'whole' && !isLost) return line;
    log.dropTail();
    // One that the connection cut comes again whole, with its stamp.
    const isTorn = tail !== undefined && tail.stamp < line.stamp;
    if (isTorn && isLost && isReadOut && (await this.#isOf(run))) return join(tail, line);
    if (isTorn) log.tell({ ...tail, ended: true });
    if (isLost && !isReadOut) log.miss();
    return line;
  }

  /**
   * Nothing of this run was told, so no line of it can come by again; and of the runs before it nothing is to be had any
   * more, so that their logs may be gone.
   */
  #hasNoLineBefore(run: ContainerState): boolean {
    const { position, lastRun = -1 } = this.#log;
    return position.empty || (this.#toldRuns >= run.restarts && lastRun < run.restarts);
  }

  /** Whether what was told last, and what is being read, are of this run. */
  async #isOf(run: ContainerState): Promise<boolean> {
    return this.#log.lastRun === run.restarts && (await this.#runs.isCurrent(run));
  }
}

/**
 * A runtime that is told to begin a new file cuts the line that it has half of: its beginning ends the old file, marked as
 * partial, and its end is the first line of the new one, with a stamp of its own. @returns the line as it was printed.
 */
function join(tail: StampedLine, line: StampedLine): StampedLine {
  return { ...line, rest: tail.rest, text: tail.text + line.text };
}
