import type { Reporter } from '../events.ts';
import type { Mask } from '../lib/mask.ts';
import type { Filter } from './exclude.ts';

/** Where a line comes from: the same for all lines of a container. */
export interface LineOrigin {
  /** The service, or the workload where no service builds its image. */
  readonly source: string;
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** Whether it is an init container. */
  readonly init: boolean;
}

/** What happens to a line on its way. */
export interface LineWay {
  readonly filter: Filter;
  readonly mask: Mask;
  readonly report: Reporter;
}

/**
 * The one way by which a container's line reaches a report, whoever read it: left out by the filter, or
 * told with secrets hidden.
 *
 * @returns a function that is called for every line, in order, with the stamp that the node wrote before it.
 */
export function lineTeller(
  origin: LineOrigin,
  { filter, mask, report }: LineWay,
): (stamp: string, text: string) => void {
  const { source, namespace, pod, container } = origin;
  const role = origin.init ? { init: true as const } : {};
  return (stamp, text) => {
    if (filter.leavesOut(text)) return;
    report({ type: 'log', source, namespace, pod, container, ...role, stamp, line: mask.apply(text) });
  };
}
