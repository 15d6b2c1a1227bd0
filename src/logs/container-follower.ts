import type { Drained, Reporter } from '../events.ts';
import type { Kube, LogRequest } from '../kube/kube.ts';
import type { Mask } from '../lib/mask.ts';
import { Scope } from '../lib/scope.ts';
import { backoff } from '../lib/wait.ts';
import type { KubeObject } from '../objects.ts';
import type { ContainerState, PodState } from '../pods/pod-state.ts';
import type { PodView } from '../pods/pod-view.ts';
import type { DoubtTiming } from './doubt.ts';
import type { Filter } from './exclude.ts';
import { readStream } from './log-stream.ts';
import type { StreamEnd } from './log-stream.ts';
import { Position } from './position.ts';
import type { Reading } from './position.ts';
import type { CatchUp, Recovery } from './recovery.ts';
import type { StampedLine } from './stamped-lines.ts';
import { lineTeller } from './tell-line.ts';

/** Where the log of a container that runs already is taken up. */
export type LogStart = 'all' | LogLimits;

/** Both given: whichever is less. */
export interface LogLimits {
  /** RFC 3339. */
  readonly sinceTime?: string;
  /** The last lines of each container. */
  readonly tailLines?: number;
}

export interface ContainerFollowerOptions {
  readonly kube: Kube;
  readonly view: PodView;
  readonly pod: PodState;
  readonly container: string;
  /** How many runs, from the first on, are of no interest: those that were over when the follow began. */
  readonly ignoredRuns: number;
  readonly source: string;
  readonly start: LogStart;
  readonly filter: Filter;
  readonly mask: Mask;
  readonly recovery: Recovery;
  readonly report: Reporter;
  /** Nothing more is read until there is room for it. */
  readonly drained: Drained;
  readonly doubt: DoubtTiming;
}

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

/**
 * Tells the log of one container of one pod, through all its runs, each line once and in order. The end of a stream is
 * only believed when it was begun after the container's end was known; every other end is a cut, and is resumed.
 */
export class ContainerFollower {
  readonly #options: ContainerFollowerOptions;
  readonly #signal: AbortSignal;
  readonly #position = new Position();
  readonly #delays = backoff(100, 5000);
  readonly #tellLine: (stamp: string, text: string) => void;
  #start: LogStart;
  /** Runs whose logs were told to the end, or are not wanted. */
  #toldRuns: number;
  /** The log was read before: if what comes next is not that log, the end of that one was missed. */
  #resumed = false;
  /** The run, by its restarts, whose line was told last, and the one that is being read. */
  #lastRun: number | undefined;
  #readRun = 0;
  /** The stream broke and no other one has ended as it should: more may have been written behind the last line. */
  #broken = false;
  /** The stamp of the last line of a file of the log that was read to its end while the next one was empty. */
  #readOut: string | undefined;
  /** The stamp of the last line before a gap that the next line ends. */
  #gapFrom: string | undefined;
  /** The unfinished line at the end of the last stream: its rest may come, or the container ended with it. */
  #tail: StampedLine | undefined;
  #catchUp: CatchUp | undefined;
  #lastMessage: string | undefined;
  #toldMessage: string | undefined;

  constructor(options: ContainerFollowerOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    const { source, container, pod } = options;
    const init = pod.containers.some(({ name, init }) => init && name === container);
    this.#tellLine = lineTeller({ source, namespace: pod.namespace, pod: pod.name, container, init }, options);
    this.#start = options.start;
    this.#toldRuns = options.ignoredRuns;
    if (options.start !== 'all' && options.start.sinceTime !== undefined)
      this.#position.keepFrom(new Date(options.start.sinceTime).toISOString().replace('Z', '000000Z'));
  }

  /** Resolves when the pod is gone. Throws AbortError, and the ApiError when logs may not be read at all. */
  async run(): Promise<void> {
    try {
      let told: string | undefined;
      for (;;) {
        const run = await this.#nextRun(told);
        if (!run) break;
        await this.#endPrevious(run, told !== undefined);
        this.#resumed = false;
        if (await this.#followRun(run)) this.#toldRuns = run.restarts + 1;
        this.#start = 'all';
        told = run.containerId;
      }
      this.#tellTail();
      if (this.#broken) this.#gapFrom ??= this.#position.last;
      this.#tellGap(undefined);
    } finally {
      this.#catchUp?.end();
    }
  }

  /**
   * Tells the end of the run before `run`. One that was followed to its end is looked at once more: a busy node writes
   * the last lines of a container into its log after it has said that the container ended.
   */
  async #endPrevious(run: ContainerState, followed: boolean): Promise<void> {
    const isTold = run.restarts <= this.#toldRuns;
    if (isTold && !followed) return;
    // Told lines of `run` itself, read before the view knew of it, are not in that log.
    const isExpected = !isTold && this.#lastRun === run.restarts - 1;
    const { end, isLost } = await this.#completePrevious(run, { isTold, isExpected });
    if (isTold) return;
    if (end === 'none') this.#tellTail();
    if (isLost) this.#gapFrom = this.#position.last;
  }

  /** Waits for a run other than `told`. @returns undefined when the pod is gone. */
  async #nextRun(told: string | undefined): Promise<ContainerState | undefined> {
    await this.#options.view.until((pods) => {
      const now = this.#find(pods);
      return !now || (now.containerId !== undefined && now.containerId !== told);
    }, this.#signal);
    return this.#now();
  }

  /** @returns whether the run was told to its end; false when the next run, or the pod's end, came first. */
  async #followRun(run: ContainerState): Promise<boolean> {
    let ends = 0;
    for (;;) {
      const now = this.#now();
      if (now?.containerId !== run.containerId) return false;
      const over = now?.state !== 'running';
      const { kind, gotData, isReadOut } = await this.#read(run, !over);
      if (isReadOut) this.#readOut = this.#position.last;
      if (kind !== 'absent') this.#broken = kind === 'cut';
      if (over && kind === 'ended') ends++;
      // Read twice, because of what `#endPrevious` says of busy nodes.
      if (over && (ends === 2 || kind === 'refused')) {
        this.#tellTail();
        this.#catchUp?.end();
        return true;
      }
      if (!over && gotData && !this.#catchUp?.active)
        this.#catchUp = this.#options.recovery.begin(this.#options.source);
      this.#resumed = true;
      await this.#waitForNews(run, over);
    }
  }

  /** Until the run's end is known, but no longer than the next try may wait. */
  async #waitForNews(run: ContainerState, over: boolean): Promise<void> {
    await using limit = new Scope(this.#signal);
    const timer = setTimeout(() => void limit[Symbol.asyncDispose](), this.#delays.next());
    try {
      await this.#options.view.until((pods) => {
        const now = this.#find(pods);
        return now?.containerId !== run.containerId || (!over && now?.state !== 'running');
      }, limit.signal);
    } catch (error) {
      if (this.#signal.aborted || !limit.signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #read(run: ContainerState, follow: boolean): Promise<StreamEnd> {
    const { tailLines, ...since }: LogLimits = this.#start === 'all' ? {} : this.#start;
    const tail = this.#position.empty && tailLines !== undefined ? { tailLines } : {};
    const reading = this.#position.read();
    // The view may be behind: then the log that is read is that of a later run.
    this.#readRun = Math.max(run.restarts, this.#lastRun ?? 0);
    const tell = (line: StampedLine) => {
      this.#resumed = false;
      if ('tailLines' in tail && this.#position.empty) this.#position.keepFrom(line.stamp);
      this.#tell(line);
      return true;
    };
    const meetGap = async (line: StampedLine) => {
      if (!(await this.#isOurs())) return false;
      // Then it may be the same run, from whose log older lines were dropped: an unfinished line comes again whole.
      const isExpected = this.#lastRun !== undefined && this.#lastRun >= run.restarts - 1;
      const { end, isLost } = await this.#completePrevious(run, { isTold: false, isExpected });
      // The line belongs behind the end of the run before, which is read when the view shows the next one.
      if (end === 'unknown') return false;
      if (end === 'none') this.#tail = undefined;
      if (isLost && this.#position.last !== this.#readOut) this.#gapFrom = this.#position.last;
      return tell(line);
    };
    return this.#pass({ follow, ...since, ...tail }, reading, (line) => {
      this.#catchUp?.gotData();
      if (!reading.isNew(line)) return true;
      return this.#resumed && !reading.overlaps ? meetGap(line) : tell(line);
    });
  }

  /**
   * A log is asked for by the pod's name, which may have passed to another pod while the view was cut off. A log that
   * is resumed begins with lines that were told before, so this is asked only of one that doesn't.
   */
  async #isOurs(): Promise<boolean> {
    const { kube, pod } = this.#options;
    const path = `/api/v1/namespaces/${pod.namespace}/pods`;
    const query = { fieldSelector: `metadata.name=${pod.name}` };
    try {
      const { items } = await kube.request<{ items: KubeObject[] }>({
        method: 'GET',
        path,
        query,
        signal: this.#signal,
      });
      return items.some(({ metadata }) => metadata.uid === pod.uid);
    } catch (error) {
      if (this.#signal.aborted) throw error;
      // Nobody answers: the log is asked for again, and this with it.
      return false;
    }
  }

  /**
   * Tells what was not yet told of the run before `run`.
   *
   * @param isExpected told lines come by again if that log is whole.
   */
  async #completePrevious(
    run: ContainerState,
    { isTold, isExpected }: { readonly isTold: boolean; readonly isExpected: boolean },
  ): Promise<PreviousEnd> {
    const before = run.restarts - 1;
    const last = this.#lastRun;
    // Runs of which no log is kept.
    const isSkipped = !isTold && last !== undefined && last < before && this.#toldRuns < before;
    let told = 0;
    while (this.#now()?.containerId === run.containerId) {
      const reading = this.#position.read();
      const isLost = () => told === 0 && (isSkipped || (isExpected && !reading.overlaps));
      this.#readRun = before;
      const { kind } = await this.#pass({ previous: true }, reading, (line) => {
        if (!reading.isNew(line)) return true;
        if (isLost()) this.#gapFrom = this.#position.last;
        this.#tell(line);
        told++;
        return true;
      });
      if (kind === 'cut' || kind === 'absent') {
        await this.#waitForNews(run, true);
        continue;
      }
      if (kind === 'ended') this.#tellTail();
      // What was taken for `run` is the log of the next one, as long as the view does not know of it.
      const known = Math.max(run.restarts, last ?? 0);
      this.#readRun = reading.overlaps && last === known ? known + 1 : known;
      return { end: kind === 'ended' ? 'whole' : 'none', isLost: isLost() };
    }
    return { end: 'unknown', isLost: false };
  }

  async #pass(
    options: Partial<LogRequest>,
    reading: Reading,
    take: (line: StampedLine) => boolean | Promise<boolean>,
  ): Promise<StreamEnd> {
    const { kube, pod, container, drained, doubt } = this.#options;
    const since = this.#position.since;
    const request = { namespace: pod.namespace, pod: pod.name, container, ...options };
    const end = await readStream(
      kube,
      since === undefined ? request : { ...request, sinceTime: since },
      this.#signal,
      take,
      { drained, doubt },
    );
    if (end.gotData) this.#tail = end.tail && reading.isNew(end.tail) ? end.tail : undefined;
    if (end.message !== undefined) this.#takeMessage(end.message);
    return end;
  }

  #tell(line: StampedLine): void {
    if (this.#gapFrom !== undefined) this.#tellGap(line.stamp);
    this.#position.tell(line);
    this.#lastRun = this.#readRun;
    this.#delays.reset();
    if (line.rest && line.text === '') return;
    this.#catchUp?.gotLine();
    this.#tellLine(line.stamp, line.text);
  }

  /** The container has ended, so nothing will end its last line. */
  #tellTail(): void {
    const tail = this.#tail;
    this.#tail = undefined;
    if (tail) this.#tell({ ...tail, ended: true });
  }

  /**
   * Told once, when the node says it again: of a container that is just being replaced it says once that its log can't be
   * had, and the next try finds that of the new one.
   */
  #takeMessage(message: string): void {
    const isSame = this.#lastMessage === message;
    this.#lastMessage = message;
    if (!isSame || this.#toldMessage === message) return;
    this.#toldMessage = message;
    const { pod, container, source, report } = this.#options;
    report({ type: 'warning', service: source, text: `no log of ${pod.name}/${container}: ${message}` });
  }

  #tellGap(to: string | undefined): void {
    const from = this.#gapFrom;
    this.#gapFrom = undefined;
    if (from === undefined) return;
    const { pod, container, source, report } = this.#options;
    report({ type: 'log.gap', source, namespace: pod.namespace, pod: pod.name, container, from, to });
  }

  #now(): ContainerState | undefined {
    return this.#find(this.#options.view.pods());
  }

  #find(pods: readonly PodState[]): ContainerState | undefined {
    const pod = pods.find(({ uid }) => uid === this.#options.pod.uid);
    return pod?.containers.find(({ name }) => name === this.#options.container);
  }
}
