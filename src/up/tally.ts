import type { FailureKind } from '../errors.ts';
import type { Report, SessionSummary, Timed } from '../events.ts';
import { Histogram } from '../lib/histogram.ts';

/**
 * Sums a session up from its reports. It holds counters and histograms alone, so a session of a week needs as much memory as
 * one of a minute.
 */
export class Tally {
  readonly #startedAt: number;
  #isStarted = false;
  #readyMs: number | undefined;
  readonly #builds = new Times();
  readonly #rebuilt = new Times();
  readonly #synced = new Times();
  readonly #restarted = new Times();
  readonly #failures = new Map<FailureKind, number>();
  readonly #n = {
    cached: 0,
    aborted: 0,
    files: 0,
    created: 0,
    changed: 0,
    pruned: 0,
    deleted: 0,
    kept: 0,
    warnings: 0,
    outages: 0,
    outageMs: 0,
    logLines: 0,
    reconnects: 0,
    recovered: 0,
    gaps: 0,
    connections: 0,
    refusedConnections: 0,
  };

  /** @param now milliseconds of a clock that only grows. */
  constructor(now: number) {
    this.#startedAt = now;
  }

  take(report: Report): void {
    // By far the most frequent one.
    if (report.type === 'log') this.#n.logLines++;
    else if (report.type.startsWith('session.')) this.#takeSession(report);
    else this.#takeWork(report);
  }

  /** @returns undefined when no cluster was reached: there was no session. */
  summary(now: number): SessionSummary | undefined {
    if (!this.#isStarted) return undefined;
    const { cached, aborted, files, created, changed, pruned, outages, outageMs, ...others } = this.#n;
    const { reconnects, recovered, gaps, ...rest } = others;
    return {
      type: 'session.summary',
      ms: now - this.#startedAt,
      readyMs: this.#readyMs,
      builds: { ...this.#builds.timed(), cached, aborted },
      rebuilt: this.#rebuilt.timed(),
      synced: { ...this.#synced.timed(), files },
      restarted: this.#restarted.timed(),
      applied: { created, changed, pruned },
      failures: [...this.#failures].map(([kind, count]) => ({ kind, count })),
      outages: { count: outages, ms: outageMs },
      logCuts: { reconnects, recovered, gaps },
      ...rest,
    };
  }

  #takeSession(report: Report): void {
    switch (report.type) {
      case 'session.started':
        this.#isStarted = true;
        return;
      case 'session.ready':
        this.#readyMs ??= report.ms;
        return;
      case 'session.ending':
        // What an apply pruned or kept on the way is not what the end did.
        this.#n.deleted = 0;
        this.#n.kept = 0;
        return;
      case 'session.lost':
        this.#n.outages++;
        return;
      case 'session.resumed':
        this.#n.outageMs += report.ms;
        return;
      default:
    }
  }

  #takeWork(report: Report): void {
    const n = this.#n;
    switch (report.type) {
      case 'build.done':
        if (report.cached) n.cached++;
        else this.#builds.add(report);
        return;
      case 'build.aborted':
        n.aborted++;
        return;
      case 'loop.rebuilt':
        return this.#rebuilt.add(report);
      case 'sync.done':
        n.files += report.files;
        return this.#synced.add(report);
      case 'loop.restarted':
        return this.#restarted.add(report);
      case 'deploy.applied':
        n.created += report.created.length;
        n.changed += report.changed.length;
        n.pruned += report.pruned.length;
        return;
      case 'deploy.deleted':
        n.deleted++;
        return;
      case 'deploy.kept':
        n.kept++;
        return;
      case 'log.recovered':
        n.reconnects++;
        n.recovered += report.lines;
        return;
      case 'log.gap':
        n.gaps++;
        return;
      case 'forward.served':
        n.connections += report.connections;
        return;
      case 'forward.refused':
        n.refusedConnections += report.times;
        return;
      case 'warning':
        n.warnings++;
        return;
      case 'failed':
        this.#failures.set(report.kind, (this.#failures.get(report.kind) ?? 0) + 1);
        return;
      default:
    }
  }
}

class Times {
  readonly #spread = new Histogram();
  #slowest: { readonly ms: number; readonly service: string } | undefined;

  add({ ms, service }: { readonly ms: number; readonly service: string }): void {
    this.#spread.add(ms);
    if (!this.#slowest || ms > this.#slowest.ms) this.#slowest = { ms, service };
  }

  timed(): Timed {
    return {
      count: this.#spread.count,
      medianMs: this.#spread.quantile(0.5),
      slowestMs: this.#slowest?.ms,
      slowest: this.#slowest?.service,
    };
  }
}
