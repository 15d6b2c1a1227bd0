import type { Report } from '../../../src/events.ts';
import type { Scope } from '../../../src/lib/scope.ts';
import { followLogs } from '../../../src/logs/follow-logs.ts';
import type { FollowLogsOptions } from '../../../src/logs/follow-logs.ts';
import { Mask } from '../../../src/lib/mask.ts';
import { openPodView } from '../../../src/pods/pod-view.ts';
import { PrintingKube } from './printing-kube.ts';

/** A stamp `ms` after a fixed moment just before a full second; `nano` tells lines of one millisecond apart. */
export function at(ms: number, nano = 0): string {
  const time = new Date(Date.parse('2026-01-01T00:00:09.900Z') + ms).toISOString();
  return time.replace('Z', `${String(nano).padStart(6, '0')}Z`);
}

/** A cluster whose container runs and has printed these lines, a millisecond apart from `at(0)` on. */
export function running(...printed: readonly string[]): PrintingKube {
  const kube = new PrintingKube();
  kube.start();
  for (const [index, text] of printed.entries()) kube.print(at(index), text);
  kube.show('running');
  return kube;
}

/** Follows `kube` until the scope ends; `lines` and `others` are what was reported. */
export function follow(scope: Scope, kube: PrintingKube, options: Partial<FollowLogsOptions> = {}) {
  const lines: string[] = [];
  const others: Report[] = [];
  const waiting: { readonly holds: () => boolean; readonly resolve: () => void }[] = [];
  const report = (each: Report) => {
    if (each.type === 'log') lines.push(each.line);
    else others.push(each);
    for (const { holds, resolve } of waiting) if (holds()) resolve();
  };
  const view = scope.own(
    openPodView({ kube, namespaces: ['storm'], labelSelector: 'stormctl.dev/project=p', signal: scope.signal }),
  );
  const done = followLogs({
    kube,
    view,
    report,
    sourceOf: (pod) => pod.workload.name,
    start: 'all',
    exclude: [],
    mask: new Mask(),
    drained: () => undefined,
    signal: scope.signal,
    ...options,
  });
  done.catch(() => {});
  scope.own(
    async () => done.catch(() => {}),
    (end) => end(),
  );
  const until = (holds: () => boolean) =>
    holds() ? Promise.resolve() : new Promise<void>((resolve) => void waiting.push({ holds, resolve }));
  return { view, lines, others, done, until };
}

export function gapsOf(reports: readonly Report[]) {
  return reports.flatMap((report) => (report.type === 'log.gap' ? [[report.from, report.to]] : []));
}
