import { charactersOf } from './cell-width.ts';
import type { Asked, Endpoint } from '../events.ts';
import type { Key } from './key-parser.ts';

/** What keys mean at the moment: each for itself, or as letters of an answer. */
export type Mode =
  | { readonly kind: 'keys' }
  | { readonly kind: 'choose'; readonly choice: Choice; readonly text: string; readonly problem?: string }
  | { readonly kind: 'filter'; readonly text: string; readonly problem?: string };

/** A question with a few answers: by number, by name, or all of them. */
interface Choice {
  readonly question: string;
  readonly names: readonly string[];
  /** What 0 and an empty answer mean; undefined: one has to be chosen. */
  readonly all: Effect | undefined;
  readonly one: (name: string) => Effect;
}

/** What a key leads to. */
export type Effect =
  | { readonly type: 'asked'; readonly asked: Asked }
  | { readonly type: 'logs'; readonly source: string | undefined }
  | { readonly type: 'filter'; readonly filter: string | undefined }
  | { readonly type: 'say'; readonly text: string }
  | { readonly type: 'level' | 'clear' | 'help' | 'blank' | 'quit' | 'suspend' };

/** What there is to choose from. */
export interface Choices {
  readonly services: readonly string[];
  /** Whose log lines came, services and workloads. */
  readonly sources: readonly string[];
  readonly urls: readonly Endpoint[];
}

export interface Step {
  readonly mode: Mode;
  readonly effect?: Effect | undefined;
}

export const helpLines: readonly (readonly [string, string])[] = [
  ['r', 'rebuild a service, or all'],
  ['d', 'render the manifests and deploy them again'],
  ['R', 'restart a service, or all'],
  ['p', 'pause watching, and go on: what changed meanwhile is decided then'],
  ['l 0 1…9', "show one service's logs, or all (0)"],
  ['/', 'show only log lines that match a regular expression; an empty one shows all'],
  ['v', 'show only log lines from a level on: info, warn, error, all'],
  ['c', 'clear the window'],
  ['o', 'open a forwarded URL'],
  ['Enter', 'leave an empty line'],
  ['q Ctrl+C', 'end the session; a second time: at once'],
  ['Ctrl+Z', 'suspend'],
];

const keys: Mode = { kind: 'keys' };

/** One key in one mode. Pure. */
export function stepKeys(mode: Mode, key: Key, choices: Choices): Step {
  if (key.kind === 'ctrl' && key.letter === 'c') return { mode: keys, effect: { type: 'quit' } };
  if (key.kind === 'ctrl' && key.letter === 'z') return { mode, effect: { type: 'suspend' } };
  switch (mode.kind) {
    case 'keys':
      return stepPlain(key, choices);
    case 'choose':
      return stepChoose(mode, key);
    case 'filter':
      return stepFilter(mode, key);
  }
}

function stepPlain(key: Key, choices: Choices): Step {
  switch (key.kind) {
    case 'text':
      return stepLetter(key.text, choices);
    case 'enter':
      return { mode: keys, effect: { type: 'blank' } };
    case 'escape':
    case 'backspace':
    case 'other':
      return say('that key does nothing here; ? lists the keys');
    case 'ctrl':
      return say(`Ctrl+${key.letter.toUpperCase()} does nothing here; ? lists the keys`);
    case 'paste':
      return say('pasted text is not taken for keys; / takes it as a filter');
  }
}

function stepLetter(letter: string, { services, sources, urls }: Choices): Step {
  switch (letter) {
    case 'r': {
      const rebuild = (service: string | undefined): Effect => ({ type: 'asked', asked: { type: 'rebuild', service } });
      return ask(
        { question: 'rebuild', names: services, all: rebuild(undefined), one: rebuild },
        'no service is known yet',
      );
    }
    case 'R': {
      const restart = (service: string | undefined): Effect => ({ type: 'asked', asked: { type: 'restart', service } });
      return ask(
        { question: 'restart', names: services, all: restart(undefined), one: restart },
        'no service is known yet',
      );
    }
    case 'd':
      return { mode: keys, effect: { type: 'asked', asked: { type: 'redeploy' } } };
    case 'p':
      return { mode: keys, effect: { type: 'asked', asked: { type: 'pause' } } };
    case 'l':
      return ask({ question: 'logs of', names: sources, all: logs(undefined), one: logs }, 'no log line came yet');
    case 'o': {
      const open = (url: string): Effect => ({ type: 'asked', asked: { type: 'open', url } });
      return ask(
        {
          question: 'open',
          names: urls.map(({ url }) => url).filter((url) => url.includes('://')),
          all: undefined,
          one: open,
        },
        'nothing that a browser opens is forwarded (yet)',
      );
    }
    case '/':
      return { mode: { kind: 'filter', text: '' } };
    case 'v':
      return { mode: keys, effect: { type: 'level' } };
    case 'c':
      return { mode: keys, effect: { type: 'clear' } };
    case '?':
    case 'h':
      return { mode: keys, effect: { type: 'help' } };
    case 'q':
      return { mode: keys, effect: { type: 'quit' } };
    default:
      return /^\d$/.test(letter) ? showNth(Number(letter), sources) : say(`${letter} does nothing; ? lists the keys`);
  }
}

function showNth(nth: number, sources: readonly string[]): Step {
  if (nth === 0) return { mode: keys, effect: logs(undefined) };
  const source = sources[nth - 1];
  if (source !== undefined) return { mode: keys, effect: logs(source) };
  return say(
    `there is no source ${nth}: ${sources.length === 0 ? 'no log line came yet' : `l lists the ${sources.length}`}`,
  );
}

/** With one answer only there is nothing to ask. */
function ask(choice: Choice, none: string): Step {
  const [only] = choice.names;
  if (only === undefined) return say(none);
  if (choice.names.length === 1) return { mode: keys, effect: choice.one(only) };
  return { mode: { kind: 'choose', choice, text: '' } };
}

function stepChoose(mode: Extract<Mode, { kind: 'choose' }>, key: Key): Step {
  if (key.kind === 'enter') return choose(mode.choice, mode.text);
  const typed = type(mode.text, key);
  if (typed === undefined) return { mode: keys };
  // A digit that no other can follow needs no Enter.
  const isWhole = /^\d+$/.test(typed) && (Number(typed) === 0 || Number(typed) * 10 > mode.choice.names.length);
  return isWhole ? choose(mode.choice, typed) : { mode: { kind: 'choose', choice: mode.choice, text: typed } };
}

function choose(choice: Choice, text: string): Step {
  const { names, all, one } = choice;
  const again = (problem: string): Step => ({ mode: { kind: 'choose', choice, text: '', problem } });
  if (text === '' || /^0+$/.test(text)) return all ? { mode: keys, effect: all } : again('which one?');
  const named = /^\d+$/.test(text)
    ? names.slice(Number(text) - 1, Number(text))
    : names.includes(text)
      ? [text]
      : names.filter((name) => name.includes(text));
  const [name] = named;
  if (name === undefined) return again(`there is no ${text}`);
  return named.length === 1 ? { mode: keys, effect: one(name) } : again(`${text} is ${named.length} of them`);
}

function stepFilter(mode: Extract<Mode, { kind: 'filter' }>, key: Key): Step {
  if (key.kind !== 'enter') {
    const text = type(mode.text, key);
    return { mode: text === undefined ? keys : { kind: 'filter', text } };
  }
  if (mode.text === '') return { mode: keys, effect: { type: 'filter', filter: undefined } };
  try {
    RegExp(mode.text);
  } catch (error) {
    return { mode: { ...mode, problem: error instanceof Error ? error.message.replace(/^.*: /, '') : String(error) } };
  }
  return { mode: keys, effect: { type: 'filter', filter: mode.text } };
}

/** @returns the text with the key in it; undefined when the key gives it up. */
function type(text: string, key: Key): string | undefined {
  switch (key.kind) {
    case 'text':
      return text + key.text;
    case 'paste':
      return text + key.text.replace(/[\r\n].*$/s, '').replaceAll(/\p{Control}/gu, '');
    case 'backspace':
      return charactersOf(text).slice(0, -1).join('');
    case 'escape':
      return undefined;
    case 'ctrl':
      return key.letter === 'u' ? '' : text;
    case 'enter':
    case 'other':
      return text;
  }
}

function logs(source: string | undefined): Effect {
  return { type: 'logs', source };
}

function say(text: string): Step {
  return { mode: keys, effect: { type: 'say', text } };
}
