const escape = '\u001B';
const tokens = RegExp(`${escape}\\[[?\\d;]*[a-zA-Z]|[^]`, 'gu');

/**
 * A small terminal: what a person sees of the bytes that are written to it, with all that scrolled away. It knows what
 * `src/terminal/screen.ts` writes, and throws at anything else, since a line must not hold it.
 */
export class ScreenModel {
  /** From the first row that was ever printed on; a row that was broken by the terminal goes on in the next. */
  readonly #rows: Row[] = [{ text: '', width: 0, goesOn: false }];
  #row = 0;
  #column = 0;
  #columns: number;
  readonly #widthOf: (character: string) => number;

  /** @param widthOf a character that is no letter of ASCII takes so many cells. */
  constructor(columns: number, widthOf: (character: string) => number) {
    this.#columns = columns;
    this.#widthOf = widthOf;
  }

  /**
   * Rows stay as they are, and what is too wide is out of sight; where a terminal `reflows` what is there, the row of the
   * cursor is broken, and the cursor stays where the text below it is.
   */
  resize(columns: number, { reflows }: { readonly reflows: boolean }): void {
    const { text } = this.#here;
    this.#columns = columns;
    if (!reflows) return;
    if (this.#column !== 0) throw new Error('the cursor is within the row that is broken');
    const row = this.#row;
    this.#eraseBelow();
    for (const character of text) this.#print(character);
    this.#row = row;
    this.#column = 0;
  }

  write(text: string): void {
    for (const token of text.match(tokens) ?? []) this.#take(token);
  }

  /** The lines, those that the terminal broke in one piece. */
  get lines(): readonly string[] {
    const lines: string[] = [];
    let isOpen = false;
    for (const { text, goesOn } of this.#rows) {
      if (isOpen) lines.push(`${lines.pop() ?? ''}${text}`);
      else lines.push(text);
      isOpen = goesOn;
    }
    return lines;
  }

  /** The row that the cursor is in, and whether it is the last. */
  get bottom(): { readonly text: string; readonly isLast: boolean; readonly column: number } {
    return { text: this.#here.text, isLast: this.#row === this.#rows.length - 1, column: this.#column };
  }

  get #here(): Row {
    const row = this.#rows[this.#row];
    if (!row) throw new Error('the cursor is nowhere');
    return row;
  }

  #take(token: string): void {
    if (token === '\r') this.#column = 0;
    else if (token === '\n') this.#newLine(false);
    else if (token === '\u001B[J') this.#eraseBelow();
    else if (token.startsWith('\u001B')) this.#sequence(token);
    else this.#print(token);
  }

  /** Modes and colours move nothing. */
  #sequence(token: string): void {
    const isMode = token.startsWith('\u001B[?') && /[hl]$/.test(token);
    if (!isMode && !token.endsWith('m')) throw new Error(`a line has ${JSON.stringify(token)}`);
  }

  #eraseBelow(): void {
    if (this.#column !== 0) throw new Error('erased from the middle of a row');
    this.#rows.length = this.#row;
    this.#rows.push({ text: '', width: 0, goesOn: false });
  }

  #print(character: string): void {
    const code = character.codePointAt(0) ?? 0;
    if (character === '\t') return this.#tab();
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) throw new Error(`a line has ${JSON.stringify(character)}`);
    const width = code < 0x7f ? 1 : this.#widthOf(character);
    if (this.#column + width > this.#columns) this.#newLine(true);
    if (this.#here.width > this.#column)
      throw new Error(`${JSON.stringify(character)} is printed over ${this.#here.text}`);
    this.#here.text += character;
    this.#here.width += width;
    this.#column += width;
  }

  /** It never leaves its row. */
  #tab(): void {
    this.#here.text += '\t';
    this.#column = Math.min(this.#columns - 1, (Math.floor(this.#column / 8) + 1) * 8);
    this.#here.width = this.#column;
  }

  #newLine(goesOn: boolean): void {
    this.#here.goesOn = goesOn;
    this.#row++;
    this.#column = 0;
    if (this.#row === this.#rows.length) this.#rows.push({ text: '', width: 0, goesOn: false });
  }
}

interface Row {
  text: string;
  width: number;
  goesOn: boolean;
}
