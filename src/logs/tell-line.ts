import type { Reporter } from '../events.ts';
import type { Mask } from '../lib/mask.ts';
import { MaskedPieces } from '../lib/masked-pieces.ts';
import type { Filter } from './exclude.ts';
import type { StampedLine } from './stamped-lines.ts';

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

/** Takes the lines of one container, in order, and the pieces of those that are very long. */
export interface LineTeller {
  tell(line: StampedLine): void;
  /** No line follows. Tells the end of one that came in pieces and was kept back, if there is any. */
  end(): void;
}

/**
 * The one way by which a container's line reaches a report, whoever read it: left out by the filter, or
 * told with secrets hidden, those too that lie across two pieces of a line.
 */
export function lineTeller(origin: LineOrigin, { filter, mask, report }: LineWay): LineTeller {
  const { source, namespace, pod, container } = origin;
  const role = origin.init ? { init: true as const } : {};
  const pieces = new MaskedPieces(mask);
  let last = '';
  const say = (stamp: string, raw: string, masked: () => string) => {
    if (filter.leavesOut(raw)) return;
    report({ type: 'log', source, namespace, pod, container, ...role, stamp, line: masked() });
  };
  const end = () => {
    const piece = pieces.end();
    if (piece) say(last, piece.raw, () => piece.masked);
  };
  const tell = ({ stamp, text, rest, ended }: StampedLine) => {
    if (!rest) end();
    if (!rest && ended) return say(stamp, text, () => mask.apply(text));
    last = stamp;
    const piece = pieces.next(text, ended);
    if (piece.raw !== '') say(stamp, piece.raw, () => piece.masked);
  };
  return { tell, end };
}
