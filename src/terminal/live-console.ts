import type { Asked, LogLevel, LogReport, Report } from '../events.ts';
import { formatPrompt } from './format-prompt.ts';
import { formatStatus } from './format-status.ts';
import { type Effect, helpLines, type Mode, stepKeys } from './key-commands.ts';
import type { Key } from './key-parser.ts';
import { Keyboard, type KeyboardStream } from './keyboard.ts';
import { Screen, type ScreenStream } from './screen.ts';
import { StatusModel } from './status-model.ts';
import type { Style } from './style.ts';
import { wrapWords } from './wrap-words.ts';

export interface LiveConsoleOptions {
  readonly stdin: KeyboardStream;
  readonly stdout: ScreenStream;
  readonly style: Style;
  /** Which levels are shown: the config says, and a key. And what is shown of a line. */
  readonly logs: { level: LogLevel | undefined; plainTextOf(line: string): string | undefined };
  /** Takes what a person asks the session for. */
  readonly onAsked: (asked: Asked) => void;
  /** Does what Ctrl+C does where the terminal is not in raw mode. */
  readonly onInterrupt: () => void;
}

/** What a key goes through. */
const cycled: readonly (LogLevel | undefined)[] = [undefined, 'info', 'warn', 'error'];

/**
 * A session with a person before it: its lines, a status line below them, and keys. The terminal is as it was once this is
 * closed; when the process ends without that, on an error that nobody caught, it closes itself.
 */
export class LiveConsole {
  readonly #options: LiveConsoleOptions;
  readonly #model = new StatusModel();
  readonly #screen: Screen;
  readonly #keyboard: Keyboard;
  readonly #sources = new Set<string>();
  readonly #close = () => this.close();
  readonly #resume = () => this.#resumed();
  #mode: Mode = { kind: 'keys' };
  #source: string | undefined;
  #filter: { readonly text: string; readonly pattern: RegExp } | undefined;
  #isOpen = true;

  constructor(options: LiveConsoleOptions) {
    this.#options = options;
    this.#screen = new Screen(options.stdout, (columns) => this.#bottom(columns));
    this.#keyboard = new Keyboard(options.stdin, (key) => this.#press(key));
    process.on('exit', this.#close);
    // Whoever stopped us (a shell, `kill -STOP`) has set the terminal as they like it.
    process.on('SIGCONT', this.#resume);
    this.#keyboard.open();
  }

  /** @param line one or several, without controls but colours, which end with it. */
  print(line: string): void {
    this.#screen.print(line);
  }

  /** Takes note of what is reported. */
  observe(report: Report): void {
    this.#model.update(report, Date.now());
    this.#screen.refresh();
  }

  /** Whether a log line is among those that the person wants to see. */
  shows({ source, line }: LogReport): boolean {
    this.#sources.add(source);
    if (this.#source !== undefined && this.#source !== source) return false;
    if (this.#filter === undefined || this.#filter.pattern.test(line)) return true;
    const text = this.#options.logs.plainTextOf(line);
    return text !== undefined && this.#filter.pattern.test(text);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.off('exit', this.#close);
    process.off('SIGCONT', this.#resume);
    this.#screen.close();
    this.#keyboard.close();
  }

  #say(line: string): void {
    const { columns } = this.#options.stdout;
    this.print(columns ? wrapWords(line, columns).join('\n') : line);
  }

  #bottom(columns: number): string {
    if (this.#mode.kind !== 'keys') return formatPrompt(this.#mode, columns, this.#options.style);
    const view = { source: this.#source, filter: this.#filter?.text, level: this.#options.logs.level };
    return formatStatus(this.#model.status, view, columns, this.#options.style);
  }

  #press(key: Key): void {
    const { urls } = this.#model.status;
    const services = this.#model.selected;
    const sources = [...new Set([...services, ...this.#sources])];
    const { mode, effect } = stepKeys(this.#mode, key, { services, sources, urls });
    this.#mode = mode;
    if (effect) this.#do(effect);
    this.#screen.refresh();
  }

  #do(effect: Effect): void {
    const { style, onAsked, onInterrupt } = this.#options;
    switch (effect.type) {
      case 'asked':
        return onAsked(effect.asked);
      case 'logs':
        this.#source = effect.source;
        return this.#say(style.dim(effect.source === undefined ? 'logs of all' : `logs of ${effect.source} alone`));
      case 'filter':
        this.#setFilter(effect.filter);
        return;
      case 'level':
        return this.#nextLevel();
      case 'say':
        return this.#say(style.dim(effect.text));
      case 'clear':
        return this.#screen.clear();
      case 'help':
        for (const [keys, text] of helpLines) this.#say(`  ${style.bold(keys.padEnd(9))} ${text}`);
        return;
      case 'blank':
        return this.print('');
      case 'quit':
        return onInterrupt();
      case 'suspend':
        return this.#suspend();
    }
  }

  /** A filter without capitals does not tell them apart. */
  #setFilter(text: string | undefined): void {
    const isSame = text === this.#filter?.text;
    this.#filter = text === undefined ? undefined : { text, pattern: RegExp(text, /\p{Lu}/u.test(text) ? '' : 'i') };
    const told =
      text === undefined ? 'no filter: every log line is shown' : `only log lines that match /${text}/ are shown`;
    this.#say(this.#options.style.dim(isSame ? `${told}, as before` : told));
  }

  #nextLevel(): void {
    const { logs, style } = this.#options;
    logs.level = cycled[(cycled.indexOf(logs.level) + 1) % cycled.length];
    const told =
      logs.level === undefined
        ? 'log lines of every level are shown'
        : `log lines from ${logs.level} on are shown, and those that name no level`;
    this.#say(style.dim(told));
  }

  #suspend(): void {
    this.#keyboard.close();
    this.#screen.hide();
    // To the whole group, as the terminal itself would: what runs us (npm) stops too.
    process.kill(0, 'SIGTSTP');
    // Reached when it goes on; at once where there is no shell that could make it go on.
    this.#resumed();
  }

  #resumed(): void {
    this.#keyboard.close();
    this.#keyboard.open();
    this.#screen.hide();
    this.#screen.show();
  }
}
