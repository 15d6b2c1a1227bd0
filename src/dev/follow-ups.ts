import type { Report, Reporter } from '../events.ts';
import type { Kube } from '../kube/kube.ts';
import { type Coalescer, coalesce } from '../lib/coalesce.ts';
import type { Scope } from '../lib/scope.ts';
import { singleFlight } from '../lib/single-flight.ts';
import type { AfterSync, Service } from '../project.ts';
import { type AfterEnd, runAfterSync } from '../sync/after-sync.ts';
import type { SyncTarget } from '../sync/sync-target.ts';
import { tellFailure } from './tell-failure.ts';

export type SyncDone = Extract<Report, { type: 'sync.done' }>;

export interface FollowUpsOptions {
  readonly kube: Kube;
  readonly report: Reporter;
  /** Ends what is under way. */
  readonly scope: Scope;
  /** The containers that a service's files go to now. */
  readonly targets: (service: string) => readonly SyncTarget[];
}

/** Several saves in a row, as a formatter or a branch switch make them, are followed up once. */
const quietMs = 100;
const maxMs = 500;

interface Entry {
  action: AfterSync;
  /** By id, the containers that got files since the last run began. */
  readonly waiting: Set<string>;
  /** What is told when the run has ended. */
  done: SyncDone | undefined;
  readonly batches: Coalescer;
}

/** What `afterSync` of each service asks for, once for the batches that come close together or while it is done. */
export class FollowUps {
  readonly #options: FollowUpsOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: FollowUpsOptions) {
    this.#options = options;
  }

  /** `targets` acknowledged the files that `done` counts: it is reported when `afterSync` has run in them. */
  synced({ name, afterSync }: Service, done: SyncDone, targets: readonly SyncTarget[]): void {
    const { report } = this.#options;
    if (!afterSync) return report(done);
    const entry = this.#entry(name, afterSync);
    entry.action = afterSync;
    for (const { containerId } of targets) entry.waiting.add(containerId);
    // What it brought runs with what comes now.
    if (entry.done) report(entry.done);
    entry.done = done;
    return entry.batches.touch();
  }

  #entry(service: string, action: AfterSync): Entry {
    const known = this.#entries.get(service);
    if (known) return known;
    const { scope, report } = this.#options;
    const run = singleFlight(() => this.#run(service));
    const close = () =>
      scope.run(
        () => run(),
        (error) => tellFailure(report, error, service),
      );
    const entry = { action, waiting: new Set<string>(), done: undefined, batches: coalesce({ quietMs, maxMs, close }) };
    scope.own(entry, ({ batches }) => batches.cancel());
    this.#entries.set(service, entry);
    return entry;
  }

  async #run(service: string): Promise<void> {
    const { kube, report, scope, targets } = this.#options;
    const entry = this.#entries.get(service);
    if (!entry?.done) return;
    const { action, done } = entry;
    entry.done = undefined;
    const due = targets(service).filter(({ containerId }) => entry.waiting.has(containerId));
    entry.waiting.clear();
    await followUp({ kube, report, signal: scope.signal, action }, done, due);
  }
}

export interface FollowUpOptions extends Pick<FollowUpsOptions, 'kube' | 'report'> {
  readonly action: AfterSync | undefined;
  readonly signal: AbortSignal;
}

/** Does in each container what is to be done after a sync, and reports `done` with it. @throws AbortError. */
export async function followUp(
  { kube, report, action, signal }: FollowUpOptions,
  done: SyncDone,
  targets: readonly SyncTarget[],
): Promise<void> {
  if (!action) return report(done);
  const { service } = done;
  const ends = await Promise.all(
    targets.map((target) => {
      const { pod, container } = target;
      const onLine = (line: string) => report({ type: 'sync.output', service, pod, container, line });
      return runAfterSync({ kube, target, action, onLine, signal });
    }),
  );
  return tell(report, done, action, ends);
}

function tell(report: Reporter, done: SyncDone, { kind }: AfterSync, ends: readonly AfterEnd[]): void {
  const { service } = done;
  const well = ends.flatMap((end) => (end.kind === 'done' ? [end] : []));
  if (well.length === ends.length && well.length > 0) {
    const ready = well.map(({ readyMs }) => readyMs);
    const readyMs = ready.includes(undefined) ? undefined : Math.max(...ready.map((each) => each ?? 0));
    report({ ...done, after: { action: kind, ms: Math.max(...well.map(({ ms }) => ms)), readyMs } });
    return;
  }
  report(done);
  for (const end of ends)
    if (end.kind === 'failed') {
      const text = [`afterSync: ${end.because}`, ...end.output.map((line) => `  ${line}`)].join('\n');
      report({ type: 'warning', service, text, next: undefined });
    } else if (end.kind === 'gone') {
      report({ type: 'note', service, text: `afterSync: ${end.because}` });
    }
}
