import type { LogReport, Reporter } from '../events.ts';
import { type LogLimits, usualLimits } from '../logs/log-choice.ts';

/** Clocks of nodes and of this machine differ; what comes again because of it is told once all the same. */
const marginMs = 10_000;
/** Fewer containers than this are never looked through for those that are forgotten. */
const fewest = 100;

interface Last {
  readonly stamp: string;
  /** How many lines with that stamp were told, and how many of them still have to be passed over when they come again. */
  told: number;
  skip: number;
}

/**
 * What a session has told of the logs, for the session that follows it when the config was changed: that one takes them
 * up where this one stopped, each line once.
 */
export class ToldLogs {
  readonly #last = new Map<string, Last>();
  readonly #now: () => number;
  #stoppedAt: number | undefined;
  #sweepAt = fewest;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** How many containers are remembered. */
  get size(): number {
    return this.#last.size;
  }

  /** A session stops telling: what is written from now on is the next one's. */
  stop(): void {
    this.#stoppedAt = this.#now();
  }

  /**
   * Where the next session's logs of containers that are there start. Of what ran before the first one as much is told as
   * `logs` shows; later, lines that were told before are expected again.
   */
  start(): LogLimits {
    if (this.#stoppedAt === undefined) return usualLimits(this.#now());
    for (const last of this.#last.values()) last.skip = last.told;
    const sinceTime = sinceFor(this.#stoppedAt);
    this.#forget(sinceTime);
    return { sinceTime };
  }

  /** @returns a reporter that lets through what was not told yet. */
  wrap(report: Reporter): Reporter {
    return (each) => {
      if (each.type !== 'log' || this.#isNew(each)) report(each);
    };
  }

  #isNew({ namespace, pod, container, stamp }: LogReport): boolean {
    const key = `${namespace}/${pod}/${container}`;
    const last = this.#last.get(key);
    if (!last || stamp > last.stamp) {
      // A line of an earlier stamp that comes late (stdout beside stderr) is new, unless lines are expected again.
      this.#last.set(key, { stamp, told: 1, skip: 0 });
      if (this.#last.size > this.#sweepAt) this.#sweep();
      return true;
    }
    if (last.skip === 0) {
      if (stamp === last.stamp) last.told++;
      return true;
    }
    if (stamp === last.stamp) last.skip--;
    return false;
  }

  /** Pods come and go for weeks: what no later session would ask for again is of no use. */
  #sweep(): void {
    this.#forget(sinceFor(this.#now()), (last) => last.skip === 0);
    this.#sweepAt = Math.max(fewest, this.#last.size * 2);
  }

  /** The server rounds `sinceTime` down to the second; what was written before that does not come again. */
  #forget(sinceTime: string, isDone: (last: Last) => boolean = () => true): void {
    for (const [key, last] of this.#last)
      if (last.stamp < sinceTime.slice(0, 19) && isDone(last)) this.#last.delete(key);
  }
}

/** Where a session starts that follows one which stops then. */
function sinceFor(stoppedAt: number): string {
  return new Date(stoppedAt - marginMs).toISOString();
}
