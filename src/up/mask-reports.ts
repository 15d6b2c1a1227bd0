import { asFailure, Failure, Failures } from '../errors.ts';
import type { Report, Reporter } from '../events.ts';
import type { Mask } from '../lib/mask.ts';

/** Fields in which others are quoted: a build, a container, the cluster. All others are names and numbers. */
const quoting = ['line', 'step', 'text', 'message', 'detail', 'because', 'cause'] as const;

/** @returns a reporter that hides the mask's values before anything prints or records them. */
export function maskReports(report: Reporter, mask: Mask): Reporter {
  return (each) => report(each.type === 'log' ? each : maskReport(each, mask));
}

/** @returns the error with the mask's values hidden in what users see of it. */
export function maskFailure(error: unknown, mask: Mask): Failure {
  const failure = asFailure(error);
  const masked = (one: Failure) => {
    const { kind, where, detail, next, cause } = one;
    return new Failure(kind, mask.apply(one.message), { where, detail: detail && mask.apply(detail), next, cause });
  };
  if (!(failure instanceof Failures)) return masked(failure);
  const [first = masked(failure), ...rest] = failure.all.map(masked);
  return new Failures([first, ...rest]);
}

/** Log lines are masked where they are told: see `lineTeller`. */
function maskReport(report: Report, mask: Mask): Report {
  const texts = report as Readonly<Record<string, unknown>>;
  const changed = quoting.flatMap((key) => {
    const text = texts[key];
    const hidden = typeof text === 'string' ? mask.apply(text) : text;
    return hidden === text ? [] : [[key, hidden] as const];
  });
  return changed.length === 0 ? report : { ...report, ...Object.fromEntries(changed) };
}
