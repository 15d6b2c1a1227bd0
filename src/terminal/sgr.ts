/**
 * The colours and weights (SGR, ECMA-48 8.3.117) that are on after the sequences that were applied, as the codes that
 * bring them: programs open them in one line, and close them in a later one or never.
 */
export class Sgr {
  /** By what ends them; bold and dim, which one code ends, by themselves. */
  readonly #on = new Map<number, string>();

  /** @param codes what stands between `ESC [` and `m`. */
  apply(codes: string): void {
    if (codes === '' || codes === '0') return this.#on.clear();
    if (codes.length <= 2) return this.#applyOne(Number.parseInt(codes, 10), codes);
    const parts = codes.split(';');
    for (let at = 0; at < parts.length; at++) {
      const part = parts[at] ?? '';
      const code = Number.parseInt(part || '0', 10);
      if (code === 38 || code === 48 || code === 58) {
        const length = part.includes(':') ? 1 : parts[at + 1] === '2' ? 5 : 3;
        this.#on.set(code + 1, parts.slice(at, at + length).join(';'));
        at += length - 1;
      } else this.#applyOne(code, part);
    }
  }

  /** The codes that bring all that is on; empty when nothing is. */
  get codes(): string {
    return this.#on.size === 0 ? '' : [...this.#on.values()].join(';');
  }

  #applyOne(code: number, part: string): void {
    const end = part === '4:0' ? undefined : endOf(code);
    if (end !== undefined) this.#on.set(end, part);
    else if (code === 0) this.#on.clear();
    else if (code === 22) {
      this.#on.delete(1);
      this.#on.delete(2);
    } else this.#on.delete(part === '4:0' ? 24 : code);
  }
}

/** @returns undefined for a code that begins nothing. */
function endOf(code: number): number | undefined {
  if (code === 1 || code === 2) return code;
  if (code === 3 || code === 20) return 23;
  if (code === 4 || code === 21) return 24;
  if (code === 5 || code === 6) return 25;
  if (code >= 7 && code <= 9) return code + 20;
  if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) return 39;
  if ((code >= 40 && code <= 47) || (code >= 100 && code <= 107)) return 49;
  if (code === 51 || code === 52) return 54;
  return code === 53 ? 55 : undefined;
}
