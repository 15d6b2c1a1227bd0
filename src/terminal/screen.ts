import type { Writable } from 'node:stream';

export type ScreenStream = Writable & { readonly columns?: number };

/** A frame is as soon as it can be, and then not sooner than this after the one before. */
const frameMs = 16;
const fallbackColumns = 80;

const eraseBelow = '\r\u001B[J';
// The cursor would sit on the first letter of the bottom line. Brackets tell what is pasted from what is typed.
const begin = '\u001B[?25l\u001B[?2004h';
// A terminal that knows them draws all between the two at once; the others pass over them.
const frameBegins = '\u001B[?2026h';
const frameEnds = '\u001B[?2026l';
const end = '\u001B[?25h\u001B[?2004l';

/**
 * Lines that scroll above one line that stays at the bottom. The cursor rests at the beginning of that line: however a
 * terminal breaks it when its width changes, erasing from the cursor on takes it away. What comes in one frame is one write,
 * so nothing tears, and a flood of lines costs few of them.
 */
export class Screen {
  readonly #stdout: ScreenStream;
  readonly #bottom: (columns: number) => string;
  readonly #onResize = () => this.#draw(true);
  #lines: string[] = [];
  #shown: string | undefined;
  #pending: NodeJS.Timeout | undefined;
  #drawnAt = 0;
  #isHidden = false;

  /** @param bottom gives the line that stays, in at most `columns` cells. */
  constructor(stdout: ScreenStream, bottom: (columns: number) => string) {
    this.#stdout = stdout;
    this.#bottom = bottom;
    stdout.write(begin);
    stdout.on('resize', this.#onResize);
    this.refresh();
  }

  /** Prints a line above the bottom one, within a frame. */
  print(line: string): void {
    this.#lines.push(line);
    this.refresh();
  }

  /** The bottom line may be another one now. */
  refresh(): void {
    if (this.#isHidden || this.#pending !== undefined) return;
    const wait = Math.max(0, this.#drawnAt + frameMs - performance.now());
    this.#pending = setTimeout(() => this.#draw(false), wait);
  }

  /** Empties the window; what was scrolled out of it stays. */
  clear(): void {
    this.#draw(false);
    this.#stdout.write('\u001B[H\u001B[2J');
    this.#draw(true);
  }

  /** Prints what is left and takes the bottom line away, until `show`; lines wait meanwhile. */
  hide(): void {
    if (this.#isHidden) return;
    clearTimeout(this.#pending);
    this.#pending = undefined;
    this.#isHidden = true;
    this.#stdout.write(`${this.#takeLines()}${end}`);
    this.#shown = undefined;
  }

  show(): void {
    if (!this.#isHidden) return;
    this.#isHidden = false;
    this.#stdout.write(begin);
    this.#draw(true);
  }

  close(): void {
    this.#stdout.off('resize', this.#onResize);
    this.hide();
  }

  #draw(isForced: boolean): void {
    if (this.#isHidden) return;
    clearTimeout(this.#pending);
    this.#pending = undefined;
    // The last column stays empty: terminals differ in what they do once it is filled.
    const bottom = this.#bottom((this.#stdout.columns || fallbackColumns) - 1);
    if (!isForced && this.#lines.length === 0 && bottom === this.#shown) return;
    this.#stdout.write(`${frameBegins}${this.#takeLines()}${bottom}\r${frameEnds}`);
    this.#shown = bottom;
    this.#drawnAt = performance.now();
  }

  /** @returns what erases the bottom line and prints the lines that came. */
  #takeLines(): string {
    const lines = this.#lines;
    this.#lines = [];
    return lines.length === 0 ? eraseBelow : `${eraseBelow}${lines.join('\n')}\n`;
  }
}
