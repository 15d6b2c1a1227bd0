import type { FieldChange } from '../lib/field-changes.ts';
import { isRecord } from '../lib/is-record.ts';
import { stringifyJson } from '../lib/json.ts';
import { stringifyYaml } from '../lib/yaml.ts';
import { formatId, formatPlaced, type ObjectChange, type ObjectId } from '../objects.ts';
import { compareLines } from './compare-lines.ts';
import { type Colour, count, type Style } from './style.ts';

export interface DiffLook {
  readonly style: Style;
  /** The project's: of objects in others it is named. */
  readonly namespace: string;
}

/** @returns what would change, in lines. What comes begins with `+`, what goes with `-`, what changes with `~`. */
export function formatDiff(changes: readonly ObjectChange[], unchanged: number, look: DiffLook): readonly string[] {
  if (changes.length === 0) return [`no changes, ${count(unchanged, 'object')} as deployed`];
  return [...changes.flatMap((change) => formatChange(change, look)), summary(changes, unchanged)];
}

/** @returns a line for each object that no manifest has any more and that stays all the same, with the reason. */
export function formatKept(
  kept: readonly { readonly id: ObjectId; readonly because: string }[],
  { style, namespace }: DiffLook,
): readonly string[] {
  return kept.map(
    ({ id, because }) =>
      `${style.dim('=')} ${style.bold(named(id, namespace))}${style.dim(`  not in the manifests any more, and kept: ${because}`)}`,
  );
}

const colours = { '+': 'green', '-': 'red', '~': 'yellow' } as const satisfies Record<string, Colour>;
type Sign = keyof typeof colours;

/** @returns the object, and the lines that tell what of it changes. */
export function formatChange(change: ObjectChange, { style, namespace }: DiffLook): readonly string[] {
  const head = (sign: Sign, words = '') =>
    `${style.paint(colours[sign], sign)} ${style.bold(named(change.id, namespace))}${words && style.dim(`  ${words}`)}`;
  const inner = (lines: readonly string[]) => lines.map((line) => `    ${line}`);
  switch (change.kind) {
    case 'new':
      return [head('+', 'new'), ...inner(signed('+', yamlLines(change.object), style))];
    case 'pruned':
      return [head('-', 'not in the manifests any more: it is deleted')];
    case 'replaced': {
      const why = `deleted and made again, since ${change.because}: ${change.words}`;
      return [head('~', why), ...inner(change.fields.flatMap((field) => formatField(field, style)))];
    }
    case 'changed': {
      const mark = style.paint('yellow', '!');
      const held = change.conflicts.map(
        ({ field, manager, subresource }) =>
          `${mark} ${field} is held by ${manager}${subresource === undefined ? '' : ` (${subresource})`}: run needs --force-conflicts`,
      );
      const taken = takenWords(change).map((words) => `${mark} ${words}`);
      return [head('~'), ...inner([...change.fields.flatMap((field) => formatField(field, style)), ...held, ...taken])];
    }
  }
}

function takenWords({ adopted, heldBy }: Extract<ObjectChange, { kind: 'changed' }>): readonly string[] {
  const holders = heldBy.join(' and ');
  if (adopted)
    return [
      `not the project's so far${holders && `, held by ${holders}`}: it becomes the project's, and is deleted with it`,
    ];
  return holders ? [`fields held by ${holders} become stormctl's, and what the manifest has not got of them goes`] : [];
}

function formatField({ path, before, after }: FieldChange, style: Style): readonly string[] {
  const sign: Sign = before === undefined ? '+' : after === undefined ? '-' : '~';
  const head = (words: string) => `${style.paint(colours[sign], sign)} ${path}:${words && ` ${words}`}`;
  if (sign === '~') {
    if (isText(before) && isText(after)) return [head(''), ...textChange(before, after, style)];
    if (!isLarge(before) && !isLarge(after))
      return [head(`${style.paint('red', scalar(before))} → ${style.paint('green', scalar(after))}`)];
    return [head(''), ...block('-', before, style), ...block('+', after, style)];
  }
  const value = sign === '+' ? after : before;
  if (isLarge(value)) return [head(''), ...block(sign, value, style)];
  return [head(style.paint(colours[sign], scalar(value)))];
}

function textChange(before: string, after: string, style: Style): readonly string[] {
  return compareLines(before.split('\n'), after.split('\n')).map(({ sign, line }) => {
    const text = `    ${sign} ${line}`.trimEnd();
    return sign === ' ' ? style.dim(text) : style.paint(colours[sign], text);
  });
}

function block(sign: Sign, value: unknown, style: Style): readonly string[] {
  return signed(sign, yamlLines(value), style).map((line) => `    ${line}`);
}

function signed(sign: Sign, lines: readonly string[], style: Style): readonly string[] {
  return lines.map((line) => style.paint(colours[sign], `${sign} ${line}`.trimEnd()));
}

function yamlLines(value: unknown): readonly string[] {
  return stringifyYaml(value).trimEnd().split('\n');
}

/** Of several lines in either state. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value.includes('\n');
}

function isLarge(value: unknown): boolean {
  if (isText(value)) return true;
  return (isRecord(value) || Array.isArray(value)) && stringifyJson(value).length > 60;
}

/** A text that could be taken for something else is quoted. */
function scalar(value: unknown): string {
  if (typeof value !== 'string') return stringifyJson(value);
  const isPlain =
    value !== '' && value === value.trim() && !/^(true|false|null|~|[-+.\d][\d._eExXa-fA-F]*)$/.test(value);
  return isPlain ? value : JSON.stringify(value);
}

function named(id: ObjectId, namespace: string): string {
  return id.namespace === namespace ? formatId(id) : formatPlaced(id);
}

/** @returns `1 new, 2 changed, 3 unchanged`. */
export function summary(changes: readonly ObjectChange[], unchanged: number): string {
  const of = (kind: ObjectChange['kind']) => changes.filter((change) => change.kind === kind).length;
  const parts = [
    [of('new'), 'new'],
    [of('changed'), 'changed'],
    [of('replaced'), 'replaced'],
    [of('pruned'), 'deleted'],
    [unchanged, 'unchanged'],
  ] as const;
  return parts.flatMap(([number, word]) => (number > 0 ? [`${number} ${word}`] : [])).join(', ');
}
