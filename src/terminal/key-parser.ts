import { StringDecoder } from 'node:string_decoder';

/** What a person did at the keyboard. */
export type Key =
  | { readonly kind: 'text'; readonly text: string }
  /** `letter` in lower case: Ctrl+C is `c`. */
  | { readonly kind: 'ctrl'; readonly letter: string }
  | { readonly kind: 'enter' | 'escape' | 'backspace' }
  /** Between the marks of a bracketed paste: nothing in it was meant as a key. */
  | { readonly kind: 'paste'; readonly text: string }
  /** An arrow, a function key, Alt with a letter, a mouse: whatever stormctl has no use for. */
  | { readonly kind: 'other' };

const escape = '\u001B';
const pasteBegins = '[200~';
const pasteEnds = `${escape}[201~`;

// ECMA-48, 5.4: parameters, intermediates, one final byte; ESC O and one character is how terminals send F1 to F4.
const sequence = /^(?:\[[0-?]*[ -/]*[@-~]|O[ -~])/;
const begunSequence = /^(?:\[[0-?]*[ -/]*|O)?$/;

/**
 * Reads the bytes of a terminal in raw mode as keys. Characters and escape sequences may be split over chunks; of an escape
 * at the end of one only time tells whether it is a key of its own: see `waits` and `flush`.
 */
export class KeyParser {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  #pasted: string | undefined;

  feed(chunk: Buffer): readonly Key[] {
    this.#rest += this.#decoder.write(chunk);
    const keys: Key[] = [];
    for (let key = this.#next(); key !== undefined; key = this.#next()) if (key !== 'none') keys.push(key);
    return keys;
  }

  /** Whether an escape was read that may still be the beginning of a sequence. */
  get waits(): boolean {
    return this.#pasted === undefined && this.#rest !== '';
  }

  /** Nothing came after it: the escape was the key. */
  flush(): readonly Key[] {
    if (!this.waits) return [];
    const isEscape = this.#rest === escape;
    this.#rest = '';
    return [{ kind: isEscape ? 'escape' : 'other' }];
  }

  /** @returns undefined when what is left is not whole, and `none` for what is read and is no key. */
  #next(): Key | 'none' | undefined {
    if (this.#pasted !== undefined) return this.#paste(this.#pasted);
    if (this.#rest === '') return undefined;
    if (this.#rest.startsWith(escape)) return this.#escaped(this.#rest.slice(escape.length));
    const character = String.fromCodePoint(this.#rest.codePointAt(0) ?? 0);
    this.#take(character.length);
    return keyOf(character);
  }

  /** @param after what stands behind an escape. */
  #escaped(after: string): Key | 'none' | undefined {
    if (begunSequence.test(after)) return undefined;
    // Alt comes as an escape before the character; two escapes are two keys.
    const isTwice = after.startsWith(escape);
    const found = sequence.exec(after)?.[0] ?? (isTwice ? '' : String.fromCodePoint(after.codePointAt(0) ?? 0));
    this.#take(escape.length + found.length);
    if (found !== pasteBegins) return { kind: isTwice ? 'escape' : 'other' };
    this.#pasted = '';
    return 'none';
  }

  #paste(before: string): Key | undefined {
    const end = this.#rest.indexOf(pasteEnds);
    // The mark of its end may be split too.
    const kept = end < 0 ? Math.min(this.#rest.length, pasteEnds.length - 1) : this.#rest.length - end;
    const text = before + this.#rest.slice(0, this.#rest.length - kept);
    this.#take(this.#rest.length - kept);
    this.#pasted = text;
    if (end < 0) return undefined;
    this.#take(pasteEnds.length);
    this.#pasted = undefined;
    return { kind: 'paste', text };
  }

  #take(length: number): void {
    this.#rest = this.#rest.slice(length);
  }
}

function keyOf(character: string): Key {
  const code = character.codePointAt(0) ?? 0;
  if (character === '\r' || character === '\n') return { kind: 'enter' };
  if (code === 0x7f || character === '\b') return { kind: 'backspace' };
  if (code >= 1 && code <= 26) return { kind: 'ctrl', letter: String.fromCodePoint(code + 96) };
  if (code < 0x20) return { kind: 'other' };
  return { kind: 'text', text: character };
}
