import { containControls } from './contain-controls.ts';
import type { ScreenStream } from './screen.ts';

const hideCursor = '\u001B[?25l';
const showCursor = '\u001B[?25h';
const eraseBelow = '\r\u001B[J';
// A terminal that knows them draws all between the two at once; the others pass over them.
const frameBegins = '\u001B[?2026h';
const frameEnds = '\u001B[?2026l';

export interface FrameSize {
  readonly columns: number;
  readonly rows: number;
}

/**
 * Lines that are drawn again in place, below what was printed before. Between two drawings the cursor rests at the beginning of
 * the first: however a terminal breaks lines when its width changes, erasing from there on takes all of them away.
 */
export class Frame implements Disposable {
  readonly #stdout: ScreenStream & { readonly rows?: number };
  readonly #lines: (size: FrameSize) => readonly string[];
  readonly #onResize = () => this.#draw(true);
  readonly #close = () => this[Symbol.dispose]();
  #shown: string | undefined;

  /** @param lines gives what is to be seen, in at most so many lines of at most so many cells. */
  constructor(stdout: ScreenStream & { readonly rows?: number }, lines: (size: FrameSize) => readonly string[]) {
    this.#stdout = stdout;
    this.#lines = lines;
    stdout.on('resize', this.#onResize);
    process.on('exit', this.#close);
  }

  /** Draws what is to be seen now, if that is something else. */
  refresh(): void {
    this.#draw(false);
  }

  /** Leaves what was drawn last, with the cursor below it. */
  [Symbol.dispose](): void {
    this.#stdout.off('resize', this.#onResize);
    process.off('exit', this.#close);
    if (this.#shown !== undefined) this.#stdout.write(`${eraseBelow}${this.#shown}\n${showCursor}`);
    this.#shown = undefined;
  }

  #draw(isForced: boolean): void {
    // The last column stays empty, and the last row: terminals differ in what they do once they are filled.
    const columns = (this.#stdout.columns || 80) - 1;
    const rows = Math.max(2, (this.#stdout.rows || 24) - 1);
    // What a cluster says may hold line ends, and sequences that would move the cursor.
    const said = this.#lines({ columns, rows }).flatMap((line) => line.split('\n').map(containControls));
    const lines = said.slice(0, rows);
    const text = lines.join('\n');
    if (!isForced && text === this.#shown) return;
    const begins = this.#shown === undefined ? hideCursor : '';
    const up = lines.length > 1 ? `\u001B[${lines.length - 1}A` : '';
    this.#stdout.write(`${begins}${frameBegins}${eraseBelow}${text}\r${up}${frameEnds}`);
    this.#shown = text;
  }
}
