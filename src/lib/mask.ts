import { percentCodes, escapeSequences, backslashCodes, type Coding, View } from './decoded.ts';
import { Needles } from './needles.ts';
import { secretForms } from './secret-forms.ts';

const stars = '***';
const shown = 0;
const hidden = 1;
/** A colour that a program sets within a value: it is kept, and what stands around it is one value. */
const passed = 2;

/** How deep JSON is looked for in strings of JSON. */
const deepest = 3;
/** An encoded character takes up to six: `\u00e9`, or `%C3%A9`. */
const widest = 6;
const farthest = 128 * 1024;

/**
 * Hides secret values in text. What it has learned it hides for as long as it lives: a value that was replaced may still
 * be printed by what runs with it. A value is never given out again.
 */
export class Mask {
  readonly #values = new Set<string>();
  readonly #forms = new Set<string>();
  #needles: Needles | undefined;
  #reach = 0;

  /**
   * How many characters at the end of a text may be the beginning of a value that goes on behind it, up to a limit. What
   * comes in pieces is looked at again from there.
   */
  get reach(): number {
    return this.#reach;
  }

  /** From now on these are hidden, and what they look like encoded (see `secretForms`). Short ones are left alone. */
  learn(values: Iterable<Buffer>): void {
    const before = this.#forms.size;
    for (const value of values) {
      const key = value.toString('latin1');
      if (this.#values.has(key)) continue;
      this.#values.add(key);
      for (const form of secretForms(value)) this.#forms.add(form);
    }
    if (this.#forms.size === before) return;
    const forms = [...this.#forms];
    this.#needles = new Needles(forms);
    this.#reach = Math.min(farthest, widest * Math.max(...forms.map(({ length }) => length)));
  }

  /** @returns the text with every character of known values hidden: each stretch of them is one `***`. */
  apply(text: string): string {
    const marks = this.find(text);
    return marks ? hideMarked(text, marks) : text;
  }

  /**
   * Values are found as they are, between and beneath the escape sequences of a terminal, in strings of JSON, where a
   * character may be written as `\u00e9` or `\/`, and percent-encoded.
   *
   * @returns what `hideMarked` takes; undefined when there is nothing to hide.
   */
  find(text: string): Uint8Array | undefined {
    const needles = this.#needles;
    if (!needles) return undefined;
    const isCoded = text.includes('\u001B') || text.includes('\\') || text.includes('%');
    // Most lines are told here.
    if (!isCoded && !needles.find(text, 0)) return undefined;
    const search = new Search(text, needles);
    const plain = View.of(text);
    search.look(plain);
    const bare = text.includes('\u001B') ? (search.decode(plain, escapeSequences) ?? plain) : plain;
    if (bare.text.includes('\\')) search.decodeAll(bare, backslashCodes, deepest);
    if (bare.text.includes('%')) {
      const decoded = search.decode(bare, percentCodes);
      if (decoded?.text.includes('\\')) search.decode(decoded, backslashCodes);
    }
    return search.marks;
  }
}

/** One text, looked at in several ways. */
class Search {
  marks: Uint8Array | undefined;
  readonly #text: string;
  readonly #needles: Needles;

  constructor(text: string, needles: Needles) {
    this.#text = text;
    this.#needles = needles;
  }

  /** @returns the view that was looked at; undefined: the coding changes nothing. */
  decode(view: View, coding: Coding): View | undefined {
    const decoded = view.decode(coding);
    if (decoded) this.look(decoded);
    return decoded;
  }

  decodeAll(view: View, coding: Coding, times: number): void {
    for (let left = times, at: View | undefined = view; left > 0 && at; left--) at = this.decode(at, coding);
  }

  look(view: View): void {
    let covered = 0;
    for (let found = this.#needles.find(view.text, 0); found; found = this.#needles.find(view.text, found.start + 1)) {
      if (found.end <= covered) continue;
      const from = Math.max(found.start, covered);
      // What stands between two values belongs to neither.
      this.#mark(view, from, found.end, from > found.start);
      covered = found.end;
    }
  }

  #mark(view: View, from: number, to: number, goesOn: boolean): void {
    const marks = (this.marks ??= new Uint8Array(this.#text.length));
    let before = goesOn ? view.end(from - 1) : view.start(from);
    for (let at = from; at < to; at++) {
      for (let gap = before; gap < view.start(at); gap++) if (marks[gap] === shown) marks[gap] = passed;
      before = view.end(at);
      marks.fill(hidden, view.start(at), before);
    }
  }
}

/** @returns the text from `from` to `to`, with each stretch of marked characters as `***`. */
export function hideMarked(text: string, marks: Uint8Array, from = 0, to = text.length): string {
  let masked = '';
  let told = from;
  for (let at = from; at < to; at++) {
    if (marks[at] === shown) continue;
    masked += text.slice(told, at) + stars;
    for (; at < to && marks[at] !== shown; at++) if (marks[at] === passed) masked += text[at] ?? '';
    told = at;
  }
  return masked + text.slice(told, to);
}
