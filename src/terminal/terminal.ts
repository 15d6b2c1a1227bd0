import type { Writable } from 'node:stream';
import { asFailure } from '../errors.ts';
import { type Asked, type Drained, type ExpectPod, type Report, type Reporter, reportVersion } from '../events.ts';
import type { Project } from '../project.ts';
import { type Asking, askLine, canAsk } from './ask-line.ts';
import { containControls } from './contain-controls.ts';
import { allOf, failureJson, formatFailure, quoted } from './format-failure.ts';
import { type Detail, formatReport } from './format-report.ts';
import type { KeyboardStream } from './keyboard.ts';
import { LineWriter } from './line-writer.ts';
import { Frame, type FrameSize } from './frame.ts';
import { LiveConsole } from './live-console.ts';
import { LogLines, type LogLook, plainLook } from './log-lines.ts';
import { LogPrefixes } from './log-prefix.ts';
import { drawProgress, type Progress, tasksFor } from './progress.ts';
import { SourceColours } from './source-colours.ts';
import { type ColourChoice, createStyle, type Style, wantsColours } from './style.ts';
import { wrapWords } from './wrap-words.ts';

type Output = 'text' | 'json';

export interface TerminalOptions {
  readonly output: Output;
  readonly detail: Detail;
  readonly colour: ColourChoice;
  /** Default: nothing but the lines. */
  readonly look?: LogLook;
  /** Whether `-o json` means a line for every report (`dev`, `logs`) or one object at the end. */
  readonly streams: boolean;
  /** Hides secrets in all that is told and is no log line, on its way out: `said` is a report, a text or a result. */
  readonly hide?: <T>(said: T) => T;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: NodeJS.ProcessEnv;
}

export interface Interaction {
  readonly stdin: KeyboardStream;
  readonly onAsked: (asked: Asked) => void;
  readonly onInterrupt: () => void;
}

type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };

/**
 * All that is printed. Reports become lines on standard output as they come, in their order; what went wrong goes to
 * standard error, and so does all but the log lines where those are raw or by a template. With `-o json` a command that streams prints each report as a line, one that ends prints one object.
 */
export class Terminal implements Disposable {
  readonly report: Reporter;
  /** For what is said about output that is a product: it goes to standard error, or with `-o json` where reports go. */
  readonly remark: Reporter;
  readonly drained: Drained;
  /** What is shown of the line of a container, for patterns: without colours and prefix; undefined: the line as it is. */
  readonly shown: (line: string) => string | undefined;
  readonly expectPod: ExpectPod;
  /** Aborted when nobody reads the output any more: a pipe that was closed (`| head`), a terminal that hung up. */
  readonly closed: AbortSignal;
  readonly style: Style;
  readonly #options: TerminalOptions;
  readonly #colours = new SourceColours();
  readonly #prefixes: LogPrefixes;
  readonly #logs: LogLines;
  readonly #out: LineWriter;
  readonly #hide: <T>(said: T) => T;
  #live: LiveConsole | undefined;
  #shownLines = 0;
  #hiddenLines = 0;

  constructor(options: TerminalOptions) {
    this.#options = options;
    this.#hide = options.hide ?? ((said) => said);
    this.style = createStyle(options.output === 'text' && wantsColours(options.stdout, options.env, options.colour));
    const columns = () => (options.stdout.isTTY === true ? options.stdout.columns : undefined);
    this.#prefixes = new LogPrefixes({ style: this.style, colours: this.#colours, columns });
    this.#logs = new LogLines({
      style: this.style,
      look: options.look ?? plainLook,
      prefixes: this.#prefixes,
      verbatim: options.detail === 'verbose',
      cuts: options.stdout.isTTY === true,
    });
    this.shown = (line) => this.#logs.plainTextOf(line);
    this.expectPod = (pod) => this.#prefixes.expectPod(pod);
    this.#out = new LineWriter(options.stdout);
    this.drained = this.#out.drained;
    const closed = new AbortController();
    this.closed = closed.signal;
    for (const stream of [options.stdout, options.stderr])
      stream.on('error', (error: NodeJS.ErrnoException) => {
        // A window that is closed says EIO, beside the SIGHUP that asks for a graceful end.
        if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
        closed.abort();
      });
    this.report =
      options.output === 'json' ? (report) => this.#reportJson(report) : (report) => this.#reportText(report);
    this.remark = options.output === 'json' ? this.report : (report) => this.#remark(report);
  }

  /**
   * Where the reports of a command that ends go until `end`: on a terminal into a list of tasks that is drawn in place, else
   * where all reports go. @param services one task each. @param deploys whether they go on to the cluster.
   */
  async progress(services: readonly string[], deploys: boolean): Promise<Progress> {
    const { output, detail, stdout, streams } = this.#options;
    const inPlace =
      output === 'text' && detail === 'normal' && !streams && stdout.isTTY === true && Boolean(stdout.columns);
    if (!inPlace) return { report: this.report, end: () => Promise.resolve() };
    const { openTaskList } = await import('./task-list.ts');
    const open = () => {
      this.#out.flush();
      return openTaskList(tasksFor(services, deploys));
    };
    return drawProgress({ deploys, open, print: this.report });
  }

  /**
   * From here on reports come with a status line below them, and keys are read, until the terminal is disposed; without
   * a person before it, or on a terminal that can't be drawn on, nothing changes. @returns whether there is a person.
   */
  interact({ stdin, onAsked, onInterrupt }: Interaction): boolean {
    const { output, stdout, env } = this.#options;
    const isPerson = stdin.isTTY === true && stdout.isTTY === true && env['TERM'] !== 'dumb';
    if (output !== 'text' || !isPerson) return false;
    this.#out.flush();
    this.#live = new LiveConsole({ stdin, stdout, style: this.style, logs: this.#logs, onAsked, onInterrupt });
    return true;
  }

  /** Whether there is a person to ask. */
  canAsk(stdin: Asking['stdin']): boolean {
    return canAsk({ stdin, output: this.#options.stderr });
  }

  /** Shows lines and a question, on standard error: the output is another program's, maybe. @returns what is typed. */
  ask(lines: readonly string[], { stdin, question, signal }: Omit<Asking, 'output'>): Promise<string> {
    this.#out.flush();
    const output = this.#options.stderr;
    for (const line of lines) output.write(`${inRows(this.#hide(line), output)}\n`);
    return askLine({ stdin, output, question: this.#errorStyle().bold(question), signal });
  }

  /** Prints what is left, and gives the terminal back as it was. */
  [Symbol.dispose](): void {
    this.#out.flush();
    this.#live?.close();
    this.#live = undefined;
  }

  /**
   * The project whose log lines will come: each service gets a colour of its own while there are, and the prefixes room for
   * those that are selected.
   */
  expect({ services, logs }: Pick<Project, 'services' | 'logs'>, selection: readonly string[] = []): void {
    const names = services.map(({ name }) => name);
    this.#colours.expect(names);
    this.#prefixes.expect(names.filter((name) => selection.length === 0 || selection.includes(name)));
    this.#logs.configure(logs);
  }

  /** Says so where log lines came and none was shown: a level that is asked for hides them all. */
  tellHidden(): void {
    const { level } = this.#logs;
    if (this.#shownLines > 0 || this.#hiddenLines === 0 || level === undefined) return;
    const lines = this.#hiddenLines === 1 ? 'there is 1 line' : `there are ${this.#hiddenLines} lines`;
    this.remark({ type: 'note', text: `${lines}, below the level ${level} that --level or logs.level asks for` });
  }

  /** The result of a command that ends: its text for people, or its object with `-o json`. */
  result(text: string, json: Record<string, unknown>): void {
    if (this.#options.output === 'json')
      this.#line(JSON.stringify({ version: reportVersion, ok: true, ...this.#hide(json) }));
    else if (text !== '') this.#line(this.#hide(text).split('\n').map(containControls).join('\n'));
  }

  /** @returns lines that are drawn again in place; undefined where that can't be: in a pipe, with `-o json`. */
  openFrame(lines: (size: FrameSize) => readonly string[]): Frame | undefined {
    const { output, stdout, env } = this.#options;
    if (output !== 'text' || stdout.isTTY !== true || env['TERM'] === 'dumb') return undefined;
    this.#out.flush();
    return new Frame(stdout, (size) => lines(size).map((line) => this.#hide(line)));
  }

  /** Output that is the command's product (`render`): as it is, whatever the format. */
  raw(text: string): void {
    this.#out.flush();
    this.#options.stdout.write(text);
  }

  /** Prints an error that ends the command. @param facts what `-o json` tells besides. @returns the exit code of its class. */
  fail(error: unknown, facts: Readonly<Record<string, unknown>> = {}): number {
    const failure = asFailure(error);
    this[Symbol.dispose]();
    if (this.#options.output === 'json')
      this.#line(JSON.stringify({ version: reportVersion, ...failureJson(failure), ...this.#hide(facts) }));
    else {
      for (const one of allOf(failure))
        for (const line of formatFailure(one, this.#errorStyle()))
          this.#options.stderr.write(`${inRows(line, this.#options.stderr)}\n`);
    }
    this.#out.flush();
    return failure.exitCode;
  }

  #remark(report: Report): void {
    if (report.type === 'log') return this.report(report);
    this.#out.flush();
    for (const line of formatReport(this.#hide(report), this.#errorStyle(), this.#options.detail))
      this.#options.stderr.write(`${inRows(line, this.#options.stderr)}\n`);
  }

  #errorStyle(): Style {
    return createStyle(wantsColours(this.#options.stderr, this.#options.env, this.#options.colour));
  }

  #reportText(report: Report): void {
    if (report.type === 'log') {
      const text = this.#live?.shows(report) === false ? undefined : this.#logs.format(report);
      this.#count(text);
      if (text !== undefined) this.#line(text);
      return;
    }
    // Lines that are made for another program have the output for themselves.
    if ((this.#options.look ?? plainLook).form !== 'text') return this.#remark(report);
    const shown = this.#hide(report);
    this.#live?.observe(shown);
    for (const line of formatReport(shown, this.style, this.#options.detail))
      this.#line(inRows(line, this.#options.stdout));
  }

  #reportJson(report: Report): void {
    if (!this.#options.streams) return;
    const head = { version: reportVersion, time: new Date().toISOString() };
    if (report.type !== 'log') return this.#line(JSON.stringify({ ...head, ...this.#hide(report) }, roundMs));
    const log = this.#logs.describe(report);
    this.#count(log);
    if (log !== undefined) this.#line(JSON.stringify({ ...head, ...log }));
  }

  #count(shown: unknown): void {
    if (shown === undefined) this.#hiddenLines++;
    else this.#shownLines++;
  }

  #line(text: string): void {
    if (this.closed.aborted) return;
    if (this.#live) this.#live.print(text);
    else this.#out.print(text);
  }
}

/** What we say is broken at words; what is quoted, as the output of a build, is left to the terminal. */
function inRows(text: string, { isTTY, columns }: OutputStream): string {
  const lines = text.split('\n').map(containControls);
  if (isTTY !== true || !columns || text.includes(quoted)) return lines.join('\n');
  return lines.flatMap((line) => wrapWords(line, columns)).join('\n');
}

/** A tenth of a millisecond is as fine as any of them is meant. */
function roundMs(key: string, value: unknown): unknown {
  return key.toLowerCase().endsWith('ms') && typeof value === 'number' ? Math.round(value * 10) / 10 : value;
}
