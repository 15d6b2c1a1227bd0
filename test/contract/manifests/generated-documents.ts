import { randomOf } from '../../support/random.ts';

const plain = [
  '',
  '~',
  'null',
  'Null',
  'true',
  'False',
  'yes',
  'NO',
  'on',
  'Off',
  'y',
  'N',
  'TRUE',
  'yEs',
  '0',
  '-0',
  '+1',
  '007',
  '0644',
  '0o644',
  '0o',
  '08',
  '0x1F',
  '-0x10',
  '0b101',
  '1_000',
  '_1',
  '1__2',
  '0_7',
  '9007199254740991',
  '9007199254740993',
  '-9007199254740993',
  '9223372036854775807',
  '9223372036854775808',
  '18446744073709551615',
  '18446744073709551616',
  '123456789012345678901234567890',

  '1e3',
  '1E-3',
  '-1.5e+10',
  '1.',
  '.5',
  '-.5',
  '+.5',
  '1e',
  '1e400',
  '0.1',
  '1.10',
  '100000000000000000000.0',
  '1e21',
  '1e-7',

  '2001-12-14',
  '2001-12-14T21:59:43.10-05:00',
  '2001-12-14 21:59:43',
  '12:30:00',
  '190:20:30',
  '1.2.3',
  '10.0.0.1',

  '--x',
  '1a',
  '0xg',
  'e3',
  '=',
  '<<',
  'a b',
  'a#b',
  'http://x:80/y',
  '$(A)',
  '${A}',
  '100m',
  '1Gi',
  'Infinity',
  'nan',
];
const quoted = [
  "''",
  "'yes'",
  "'0644'",
  "'it''s'",
  "'a: b'",
  "' lead and trail '",
  "'#no'",
  "'{{ .x }}'",

  '""',
  '"1"',
  String.raw`"tab\tnew\nline"`,
  String.raw`"\x41\u00e9\U0001F600"`,
  '"a: \'b\'"',
  String.raw`"\e\0\a\\"`,
  '"ünï"',
];
const keys = [
  'a',
  'b.c/d',
  '"quoted key"',
  "'x: y'",
  'yes',
  '1',
  '0x1f',
  '1.5',
  'no-way',
  'key with space',
  'ключ',
  '0o17',
];

/**
 * Manifests as people write them and as they should not: every form of scalar in maps, lists, flow collections and
 * blocks, with anchors, merges and comments, now and then with a byte order mark, CRLF, or documents of nothing.
 *
 * @returns one file of several ConfigMaps, the same for the same seed.
 */
export function generatedDocuments(seed: number, count: number): string {
  const random = randomOf(seed);
  const writer = new Writer(random);
  const documents = Array.from({ length: count }, (_, index) => writer.document(`n-${seed}-${index}`));
  const text = documents.join(
    ['---\n', '--- # next\n', '---\n---\n', '---\n# nothing\n---\n', '...\n---\n'][random(5)],
  );
  const marked = random(4) === 0 ? `\uFEFF${text}` : text;
  return random(3) === 0 ? marked.replaceAll('\n', '\r\n') : marked;
}

class Writer {
  readonly #random: (below: number) => number;
  #anchors = 0;

  constructor(random: (below: number) => number) {
    this.#random = random;
  }

  document(name: string): string {
    this.#anchors = 0;
    const head = `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\nbase: &base\n  one: 0644\n  two: [yes, 1e3]\n`;
    return `${head}body:\n${this.#map('  ', 3)}`;
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#random(items.length)] as T;
  }

  #map(indent: string, depth: number): string {
    const from = this.#random(keys.length);
    const count = 1 + this.#random(5);
    const lines = Array.from({ length: count }, (_, index) => {
      const key = keys[(from + index) % keys.length] as string;
      return `${indent}${key}:${this.#value(indent, depth)}`;
    });
    if (this.#random(6) === 0) lines.push(`${indent}<<: *base\n`);
    if (this.#random(5) === 0) lines.splice(this.#random(lines.length), 0, `${indent}# a comment: 'here\n`);
    return lines.join('');
  }

  /** What stands behind a key, its line break included. */
  #value(indent: string, depth: number): string {
    const kind = this.#random(depth > 0 ? 10 : 7);
    if (kind < 4) return ` ${this.#scalar()}${this.#random(6) === 0 ? ' # why' : ''}\n`;
    if (kind === 4) return ` ${this.#block(indent)}`;
    if (kind === 5) return ` ${this.#flow(2)}\n`;
    if (kind === 6) return this.#anchored();
    if (kind === 7) return `\n${this.#list(indent, depth - 1)}`;
    return `\n${this.#map(`${indent}  `, depth - 1)}`;
  }

  #scalar(): string {
    return this.#pick(this.#random(3) === 0 ? quoted : plain);
  }

  #anchored(): string {
    if (this.#anchors > 0 && this.#random(2) === 0) return ` *a${1 + this.#random(this.#anchors)}\n`;
    this.#anchors += 1;
    return ` &a${this.#anchors} ${this.#pick(quoted)}\n`;
  }

  /** Also at the indentation of its key, as much of the world writes it. */
  #list(indent: string, depth: number): string {
    const inside = this.#random(2) === 0 ? indent : `${indent}  `;
    return Array.from({ length: 1 + this.#random(3) }, () =>
      this.#random(3) === 0 && depth > 0
        ? `${inside}- ${this.#map(`${inside}  `, depth - 1).trimStart()}`
        : `${inside}- ${this.#scalar()}\n`,
    ).join('');
  }

  #block(indent: string): string {
    const head = this.#pick(['|', '|-', '|+', '>', '>-', '>+']);
    const lines = ['first: line', '  indented more', '', '# no comment', 'last \\ "line"'].slice(this.#random(3));
    const body = lines.map((line) => (line === '' ? '\n' : `${indent}  ${line}\n`)).join('');
    // What is indented more must not come first: it would be the block's indentation.
    return `${head}\n${indent}  start\n${body}${this.#random(2) === 0 ? '\n' : ''}`;
  }

  #flow(depth: number): string {
    const scalar = () =>
      this.#pick([...quoted, '0644', '1e3', 'yes', 'a b', '~', '9007199254740993', '2001-12-14', '-1']);
    const items = Array.from({ length: this.#random(4) }, () =>
      depth > 0 && this.#random(4) === 0 ? this.#flow(depth - 1) : scalar(),
    );
    if (this.#random(2) === 0) return `[${items.join(', ')}]`;
    return `{${items.map((item, index) => `k${index}: ${item}`).join(', ')}}`;
  }
}
