import type { LogLevel } from '../events.ts';
import { cellWidth, cutToCells } from './cell-width.ts';
import type { Phase, ServiceStatus, Status } from './status-model.ts';
import type { Colour, Style } from './style.ts';

/** A piece of one line, painted after it was measured. */
export interface Span {
  readonly text: string;
  readonly colour?: Colour | 'bold' | 'dim';
}

/** What a person made of the view: shown, since lines that are missing would puzzle. */
export interface View {
  /** Whose logs alone are shown. */
  readonly source: string | undefined;
  readonly filter: string | undefined;
  /** The least level that is shown. */
  readonly level: LogLevel | undefined;
}

const colours: Readonly<Record<Phase, Colour>> = {
  starting: 'yellow',
  building: 'yellow',
  shipping: 'yellow',
  waiting: 'yellow',
  ready: 'green',
  synced: 'cyan',
  changed: 'magenta',
  failed: 'red',
};

/** What a person looks for first, first; of the same kind the most recent. */
const urgency: readonly Phase[] = [
  'failed',
  'changed',
  'building',
  'shipping',
  'waiting',
  'starting',
  'synced',
  'ready',
];
const gap: Span = { text: '  ' };
const hint: Span = { text: '? help', colour: 'dim' };

/**
 * The status of a session in one line of at most `columns` cells: every service with its state and the time of it; in less
 * room without the times; in still less the most urgent ones and how many there are besides. Pure.
 */
export function formatStatus(status: Status, view: View, columns: number, style: Style): string {
  const badges = badgesOf(status, view);
  const { services } = status;
  if (status.stage === 'ending')
    return paint(fit([...badges, { text: 'Ctrl+C: at once', colour: 'dim' }], columns), style);
  if (services.length === 0) return paint(fit([...badges, hint], columns), style);
  const wholes = [
    [...services.flatMap((service) => withGap(service, true)), hint],
    services.flatMap((service) => withGap(service, true)),
    [...services.flatMap((service) => withGap(service, false)), hint],
    services.flatMap((service) => withGap(service, false)),
  ].map((spans) => [...badges, ...spans]);
  const whole = wholes.find((spans) => widthOf(spans) <= columns);
  if (whole) return paint(whole, style);
  return paint(collapse(badges, services, columns), style);
}

/** @returns the pieces in at most `columns` cells, the last one cut. */
export function fit(spans: readonly Span[], columns: number): readonly Span[] {
  const kept: Span[] = [];
  let left = columns;
  for (const span of spans) {
    const text = cutToCells(span.text, left);
    if (text !== '') kept.push({ ...span, text });
    if (text !== span.text) break;
    left -= cellWidth(text);
  }
  return kept;
}

export function paint(spans: readonly Span[], style: Style): string {
  return spans
    .map(({ text, colour }) => {
      if (colour === undefined) return text;
      if (colour === 'bold' || colour === 'dim') return style[colour](text);
      return style.paint(colour, text);
    })
    .join('');
}

function collapse(badges: readonly Span[], services: readonly ServiceStatus[], columns: number): readonly Span[] {
  const byUrgency = services.toSorted((a, b) => rankOf(a) - rankOf(b) || b.at - a.at);
  for (let shown = byUrgency.length - 1; shown > 0; shown--) {
    const spans = [
      ...badges,
      ...byUrgency.slice(0, shown).flatMap((service) => withGap(service, false)),
      { text: `+${byUrgency.length - shown}`, colour: 'dim' } as const,
    ];
    if (widthOf(spans) <= columns) return spans;
  }
  const [first] = byUrgency;
  const count = byUrgency.length > 1 ? [{ text: `+${byUrgency.length - 1} `, colour: 'dim' } as const] : [];
  return fit([...badges, ...count, ...(first ? spansOf(first, false) : [])], columns);
}

function rankOf({ phase, trouble }: ServiceStatus): number {
  return urgency.indexOf(trouble === undefined ? phase : 'failed');
}

function badgesOf({ stage, paused, held, lost }: Status, { source, filter, level }: View): readonly Span[] {
  const badges: Span[] = [];
  if (stage !== 'running') badges.push({ text: stage, colour: 'yellow' }, gap);
  for (const { what, how } of lost)
    badges.push(
      how === 'gone' ? { text: `✗ ${what} is gone`, colour: 'red' } : { text: `! ${what} is busy`, colour: 'yellow' },
      gap,
    );
  if (paused) badges.push({ text: held > 0 ? `paused, ${held} changed` : 'paused', colour: 'magenta' }, gap);
  if (source !== undefined) badges.push({ text: `logs of ${source}`, colour: 'cyan' }, gap);
  if (level !== undefined) badges.push({ text: `≥ ${level}`, colour: 'cyan' }, gap);
  if (filter !== undefined) badges.push({ text: `/${filter}/`, colour: 'cyan' }, gap);
  return badges;
}

function withGap(service: ServiceStatus, timed: boolean): readonly Span[] {
  return [...spansOf(service, timed), gap];
}

function spansOf({ name, phase, trouble, at }: ServiceStatus, timed: boolean): readonly Span[] {
  const time: readonly Span[] = timed ? [{ text: ` ${clock(at)}`, colour: 'dim' }] : [];
  const state: Span =
    trouble === undefined ? { text: phase, colour: colours[phase] } : { text: trouble, colour: colours.failed };
  return [{ text: name, colour: 'bold' }, { text: ' ' }, state, ...time];
}

function clock(at: number): string {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

function widthOf(spans: readonly Span[]): number {
  return spans.reduce((cells, { text }) => cells + cellWidth(text), 0);
}
