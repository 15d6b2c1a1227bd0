import { hideMarked, type Mask } from './mask.ts';

/** A piece of a text as it is, and as it may be shown. */
interface MaskedPiece {
  readonly raw: string;
  readonly masked: string;
}

/**
 * Masks a text that comes in pieces: a value that lies across a cut is hidden on both sides of it. The end of a piece waits
 * for the next one, so that pieces end a little earlier than they came.
 */
export class MaskedPieces {
  readonly #mask: Mask;
  /** The end of the piece before, and what of it is hidden already. */
  #kept = '';
  #marks: Uint8Array | undefined;

  constructor(mask: Mask) {
    this.#mask = mask;
  }

  /** @returns what was kept back and as much of the piece as can be told now: all of it when the text has ended. */
  next(text: string, ended: boolean): MaskedPiece {
    if (ended && this.#kept === '') return { raw: text, masked: this.#mask.apply(text) };
    const whole = this.#kept + text;
    const marks = this.#find(whole);
    const cut = ended ? whole.length : cutBefore(whole, this.#mask.reach);
    this.#kept = whole.slice(cut);
    this.#marks = marks?.slice(cut);
    const raw = whole.slice(0, cut);
    return { raw, masked: marks ? hideMarked(raw, marks) : raw };
  }

  /** @returns what was kept back, if anything: no other piece follows. */
  end(): MaskedPiece | undefined {
    return this.#kept === '' ? undefined : this.next('', true);
  }

  #find(whole: string): Uint8Array | undefined {
    const found = this.#mask.find(whole);
    const before = this.#marks;
    if (!before) return found;
    const marks = found ?? new Uint8Array(whole.length);
    for (const [at, mark] of before.entries()) if (mark > 0) marks[at] = mark;
    return marks;
  }
}

/** @returns where the last `length` characters begin, and no character is cut in two. */
function cutBefore(text: string, length: number): number {
  const at = Math.max(0, text.length - length);
  const first = text.charCodeAt(at);
  return at > 0 && first >= 0xdc00 && first < 0xe000 ? at - 1 : at;
}
