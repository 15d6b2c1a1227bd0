import { nearest } from '../lib/nearest.ts';

/** The flags of a command by their names. */
export type KnownFlags = Readonly<Record<string, KnownFlag>>;

interface KnownFlag {
  readonly type?: string;
  readonly allowNo?: boolean;
  readonly helpValue?: string | readonly string[] | undefined;
}

interface Words {
  readonly message: string;
  readonly detail?: string | undefined;
  readonly next?: string | undefined;
}

/** Each form in which oclif refuses (@oclif/core, lib/parser/errors.js and parse.js), and ours. */
const forms: readonly (readonly [RegExp, (found: readonly string[], flags: KnownFlags) => Words])[] = [
  [/^Nonexistent flags?: (.+)$/, ([, names = ''], flags) => unknownFlags(names.split(', '), flags)],
  [
    /^Parsing --(\S+)\s+Expected an integer but received: (.*)$/,
    ([, name = '', value = '']) => ({ message: `--${name} ${value} is no whole number` }),
  ],
  [
    /^Parsing --(\S+)\s+Expected an integer (greater|less) than or equal to (\S+) but received: (.*)$/,
    ([, name = '', side = '', limit = '', value = '']) => ({
      message: `--${name} ${value} is too ${side === 'greater' ? 'small' : 'large'}: ${limit} at the ${side === 'greater' ? 'least' : 'most'}`,
    }),
  ],
  [
    /^Flag --(\S+) expects (?:a value|one of these values: (.+))$/,
    ([, name = '', values = ''], flags) => ({
      message: `--${name} needs a value: ${values === '' ? `--${name} ${valueNameOf(flags[name])}` : values}`,
    }),
  ],
  [
    /^Expected --([^=]+)=(.*) to be one of: (.+)$/s,
    ([, name = '', value = '', values = '']) => {
      const near = nearest(value, values.split(', '));
      return { message: `--${name} ${value} is none of ${values}`, next: near && `did you mean --${name} ${near}?` };
    },
  ],
  [
    /^--([^=\s]+)(?:=.*)? cannot also be provided when using --(\S+)$/,
    ([, one = '', other = '']) => ({
      message: `--${other} and --${one} exclude each other`,
      next: 'leave one of them out',
    }),
  ],
  [
    /^Missing \d+ required args?:\n(\S+) +(.*)$/s,
    ([, name = '', what = '']) => ({ message: `${name.toUpperCase()} is missing: ${what.replaceAll('\n', ', ')}` }),
  ],
  [/^Unexpected arguments?: (.+)$/, ([, words = '']) => ({ message: `there is nothing to be done with ${words}` })],
];

/** @returns what oclif says, without colours, as we say it; what has no known form as it is. */
export function inOurWords(said: string, flags: KnownFlags): Words {
  for (const [form, words] of forms) {
    const found = form.exec(said);
    if (found) return words(found, flags);
  }
  const [message = '', ...more] = said.split('\n');
  return { message, detail: more.length > 0 ? more.join('\n') : undefined };
}

function unknownFlags(names: readonly string[], flags: KnownFlags): Words {
  const known = Object.entries(flags).flatMap(([name, { allowNo }]) => [
    `--${name}`,
    ...(allowNo ? [`--no-${name}`] : []),
  ]);
  const near = names.flatMap((name) => (name.startsWith('--') ? (nearest(name, known) ?? []) : []));
  return {
    message: `there is no flag ${names.join(', ')}`,
    next: near.length > 0 ? `did you mean ${[...new Set(near)].join(' and ')}?` : undefined,
  };
}

function valueNameOf({ helpValue = 'VALUE' }: KnownFlag = {}): string {
  return typeof helpValue === 'string' ? helpValue : helpValue.join(' ');
}
