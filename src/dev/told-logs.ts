import type { LogReport, Reporter } from '../events.ts';
import type { LogStart } from '../logs/container-follower.ts';

/** Clocks of nodes and of this machine differ; what comes again because of it is told once all the same. */
const marginMs = 10_000;

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
  #stoppedAt: number | undefined;

  /** A session stops telling: what is written from now on (`Date.now()`) is the next one's. */
  stop(now: number = Date.now()): void {
    this.#stoppedAt = now;
  }

  /** Where the next session's logs start; lines that were told before are expected again. */
  start(): LogStart {
    if (this.#stoppedAt === undefined) return 'all';
    const sinceTime = new Date(this.#stoppedAt - marginMs).toISOString();
    for (const [key, last] of this.#last) {
      last.skip = last.told;
      // The server rounds down to the second; what was written before that does not come again.
      if (last.stamp < sinceTime.slice(0, 19)) this.#last.delete(key);
    }
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
      return true;
    }
    if (last.skip === 0) {
      if (stamp === last.stamp) last.told++;
      return true;
    }
    if (stamp === last.stamp) last.skip--;
    return false;
  }
}
