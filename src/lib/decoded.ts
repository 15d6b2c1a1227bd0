/** A way to write characters as other characters. */
export interface Coding {
  /** Global: what may stand for something else. */
  readonly pattern: RegExp;
  /** What a match of it stands for, piece by piece, each with the length of what it is written as. */
  read(match: string): Iterable<readonly [text: string, length: number]>;
  /** Whether it is nothing every time. */
  readonly isNothing?: boolean;
}

// ECMA-48: CSI with its parameters and its end; a string (a title, a link) that BEL or ST ends; any other escape.
const csi = String.raw`\u001B\[[0-?]*[ -/]*[@-~]?`;
const string = String.raw`\u001B[\]P_^X][^\u0007\u001B]*(?:\u0007|\u001B\\)?`;

/** Colours and whatever else a program says to a terminal: they stand for no character. */
export const escapeSequences: Coding = {
  pattern: RegExp(String.raw`${csi}|${string}|\u001B[ -/]*[0-~]?`, 'g'),
  read: (match) => [['', match.length]],
  isNothing: true,
};

const named: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  v: '\v',
  '"': '"',
  "'": "'",
  '/': '/',
  '\\': '\\',
};

/** Strings of JSON (RFC 8259, section 7), and what JavaScript, Python and Go add to that when they quote a text. */
export const backslashCodes: Coding = {
  pattern: /\\(?:u[\da-f]{4}|x[\da-f]{2}|[nrtbfv"'/\\])/gi,
  read: (match) => {
    const isHex = match.length > 2;
    const text = isHex ? String.fromCharCode(Number.parseInt(match.slice(2), 16)) : named[match.slice(1)];
    return [[text ?? match, match.length]];
  },
};

/** Characters of a URL that stand for bytes of UTF-8 (RFC 3986, section 2.1). */
export const percentCodes: Coding = {
  pattern: /(?:%[\da-f]{2})+/gi,
  *read(match) {
    const bytes = Buffer.from(match.replaceAll('%', ''), 'hex');
    for (let at = 0; at < bytes.length; ) {
      const length = lengthOfUtf8(bytes[at] ?? 0);
      const text = bytes.toString('utf8', at, at + length);
      const isWhole = !text.includes('\uFFFD');
      const taken = isWhole ? length : 1;
      yield [isWhole ? text : match.slice(3 * at, 3 * at + 3), 3 * taken];
      at += taken;
    }
  },
};

function lengthOfUtf8(first: number): number {
  if (first < 0xc0) return 1;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/** A text as it reads when it is decoded, and where each of its characters stands in the one that is written. */
export class View {
  readonly text: string;
  /** Where each character begins and ends there; undefined: it is that text. */
  readonly #places: () => Places | undefined;
  #known: { readonly places: Places | undefined } | undefined;

  private constructor(text: string, places: () => Places | undefined) {
    this.text = text;
    this.#places = places;
  }

  static of(text: string): View {
    return new View(text, () => undefined);
  }

  /** @returns undefined when there is nothing to decode. */
  decode(coding: Coding): View | undefined {
    const text = coding.isNothing
      ? this.text.replaceAll(coding.pattern, '')
      : this.text.replaceAll(coding.pattern, (match) => textOf(coding.read(match)));
    // Where a character stands is only asked in the few texts that hold what is looked for.
    return text === this.text ? undefined : new View(text, () => this.#place(coding, text.length));
  }

  start(at: number): number {
    const places = this.#find();
    return places ? (places.starts[at] ?? 0) : at;
  }

  end(at: number): number {
    const places = this.#find();
    return places ? (places.ends[at] ?? 0) : at + 1;
  }

  #find(): Places | undefined {
    this.#known ??= { places: this.#places() };
    return this.#known.places;
  }

  #place(coding: Coding, length: number): Places {
    const starts = new Int32Array(length);
    const ends = new Int32Array(length);
    let to = 0;
    let from = 0;
    const put = (written: number) => {
      starts[to] = this.start(from);
      ends[to] = this.end(from + written - 1);
      to++;
    };
    for (const { 0: match, index } of this.text.matchAll(coding.pattern)) {
      for (; from < index; from++) put(1);
      for (const [text, written] of coding.read(match)) {
        for (let unit = 0; unit < text.length; unit++) put(written);
        from += written;
      }
    }
    for (; from < this.text.length; from++) put(1);
    return { starts, ends };
  }
}

interface Places {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

function textOf(pieces: Iterable<readonly [text: string, length: number]>): string {
  let all = '';
  for (const [text] of pieces) all += text;
  return all;
}
