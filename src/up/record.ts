import type { Reporter } from '../events.ts';
import { Tally } from './tally.ts';

/** What a session leaves behind of its reports. */
export interface SessionRecord {
  /** Takes a report down and hands it on. */
  readonly report: Reporter;
  /** Reports the summary, if there was a session. */
  sumUp(): void;
}

export function openRecord(report: Reporter): SessionRecord {
  const tally = new Tally(performance.now());
  return {
    report: (each) => {
      tally.take(each);
      report(each);
    },
    sumUp: () => {
      const summary = tally.summary(performance.now());
      if (summary) report(summary);
    },
  };
}
