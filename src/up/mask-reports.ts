import { asFailure, Failure, Failures } from '../errors.ts';
import type { Report, Reporter } from '../events.ts';
import { isRecord } from '../lib/is-record.ts';
import type { Mask } from '../lib/mask.ts';

/**
 * Fields that name something: a service, an object, a file, a place, a time. They stay as they are, since whoever reads them
 * looks for that name. All other texts may quote others (a build, a container, the cluster) and are masked.
 */
const naming: ReadonlySet<string> = new Set(
  (
    'type version project context service source slowest namespace pod container apiVersion kind name image images to ' +
    'from address url port local path paths file stamp time action how level'
  ).split(' '),
);

/** @returns a reporter that hides the mask's values before anything prints or records them. */
export function maskReports(report: Reporter, mask: Mask): Reporter {
  return (each) => report(maskReport(each, mask));
}

/** @returns the report with the mask's values hidden. Log lines are masked where they are told: see `lineTeller`. */
function maskReport(report: Report, mask: Mask): Report {
  return report.type === 'log' ? report : maskTexts(report, mask);
}

/** @returns a value with the mask's values hidden in every text of it, but for names; itself where there are none. */
export function maskTexts<T>(value: T, mask: Mask): T {
  return maskAny(value, mask) as T;
}

/** @returns the error with the mask's values hidden in what users see of it. */
export function maskFailure(error: unknown, mask: Mask): Failure {
  const failure = asFailure(error);
  const hide = (text: string | undefined) => text && mask.apply(text);
  const masked = ({ kind, message, where, detail, next, cause }: Failure) =>
    new Failure(kind, mask.apply(message), { where: hide(where), detail: hide(detail), next: hide(next), cause });
  if (!(failure instanceof Failures)) return masked(failure);
  const [first = masked(failure), ...rest] = failure.all.map(masked);
  return new Failures([first, ...rest]);
}

function maskAny(value: unknown, mask: Mask): unknown {
  if (typeof value === 'string') return mask.apply(value);
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => maskAny(item, mask));
    return items.some((item, at) => item !== value[at]) ? items : value;
  }
  if (!isRecord(value)) return value;
  const changed = Object.entries(value).flatMap(([key, item]) => {
    const hidden = naming.has(key) ? item : maskAny(item, mask);
    return hidden === item ? [] : [[key, hidden] as const];
  });
  return changed.length === 0 ? value : { ...value, ...Object.fromEntries(changed) };
}
