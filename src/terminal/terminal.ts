import type { Writable } from 'node:stream';
import { asFailure } from '../errors.ts';
import { type Asked, type Drained, type Report, type Reporter, reportVersion } from '../events.ts';
import type { Project } from '../project.ts';
import { containControls } from './contain-controls.ts';
import { allOf, failureJson, formatFailure, quoted } from './format-failure.ts';
import { type Detail, formatReport } from './format-report.ts';
import type { KeyboardStream } from './keyboard.ts';
import { LineWriter } from './line-writer.ts';
import { LiveConsole } from './live-console.ts';
import { LogLines, type LogLook, plainLook } from './log-lines.ts';
import { LogPrefixes } from './log-prefix.ts';
import { drawProgress, type Progress, tasksFor } from './progress.ts';
import { SourceColours } from './source-colours.ts';
import { createStyle, type Style, wantsColours } from './style.ts';
import { wrapWords } from './wrap-words.ts';

type Output = 'text' | 'json';

export interface TerminalOptions {
  readonly output: Output;
  readonly detail: Detail;
  readonly noColor: boolean;
  /** Default: nothing but the lines. */
  readonly look?: LogLook;
  /** Whether `-o json` means a line for every report (`dev`, `logs`) or one object at the end. */
  readonly streams: boolean;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: NodeJS.ProcessEnv;
}

export interface Interaction {
  readonly stdin: KeyboardStream;
  readonly onAsked: (asked: Asked) => void;
  readonly onInterrupt: () => void;
}

type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/**
 * All that is printed. Reports become lines on standard output as they come, in their order; what went wrong goes to
 * standard error, and so does all but the log lines where those are raw or by a template. With `-o json` a command that streams prints each report as a line, one that ends prints one object.
 */
export class Terminal implements Disposable {
  readonly report: Reporter;
  /** For what is said about output that is a product: it goes to standard error, or with `-o json` where reports go. */
  readonly remark: Reporter;
  readonly drained: Drained;
  /** Aborted when nobody reads the output any more: a pipe that was closed (`| head`), a terminal that hung up. */
  readonly closed: AbortSignal;
  readonly style: Style;
  readonly #options: TerminalOptions;
  readonly #colours = new SourceColours();
  readonly #logs: LogLines;
  readonly #out: LineWriter;
  #live: LiveConsole | undefined;

  constructor(options: TerminalOptions) {
    this.#options = options;
    this.style = createStyle(options.output === 'text' && wantsColours(options.stdout, options.env, options.noColor));
    const columns = () => (options.stdout.isTTY === true ? options.stdout.columns : undefined);
    const prefixes = new LogPrefixes({ style: this.style, colours: this.#colours, columns });
    this.#logs = new LogLines({
      style: this.style,
      look: options.look ?? plainLook,
      prefixes,
      verbatim: options.detail === 'verbose',
      cuts: options.stdout.isTTY === true,
    });
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
    this.#out.flush();
    const { openTaskList } = await import('./task-list.ts');
    return drawProgress(openTaskList(tasksFor(services, deploys)), { deploys, print: this.report });
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

  /** Prints what is left, and gives the terminal back as it was. */
  [Symbol.dispose](): void {
    this.#out.flush();
    this.#live?.close();
    this.#live = undefined;
  }

  /** The project whose log lines will come: each service gets a colour of its own while there are. */
  expect({ services, logs }: Pick<Project, 'services' | 'logs'>): void {
    this.#colours.expect(services.map(({ name }) => name));
    this.#logs.configure(logs);
  }

  /** The result of a command that ends: its text for people, or its object with `-o json`. */
  result(text: string, json: Record<string, unknown>): void {
    if (this.#options.output === 'json') this.#line(JSON.stringify({ version: reportVersion, ok: true, ...json }));
    else if (text !== '') this.#line(text);
  }

  /** Output that is the command's product (`render`): as it is, whatever the format. */
  raw(text: string): void {
    this.#out.flush();
    this.#options.stdout.write(text);
  }

  /** Prints an error that ends the command. @returns the exit code of its class. */
  fail(error: unknown): number {
    const failure = asFailure(error);
    this[Symbol.dispose]();
    if (this.#options.output === 'json')
      this.#line(JSON.stringify({ version: reportVersion, ...failureJson(failure) }));
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
    for (const line of formatReport(report, this.#errorStyle(), this.#options.detail))
      this.#options.stderr.write(`${inRows(line, this.#options.stderr)}\n`);
  }

  #errorStyle(): Style {
    return createStyle(wantsColours(this.#options.stderr, this.#options.env, this.#options.noColor));
  }

  #reportText(report: Report): void {
    if (report.type === 'log') {
      const text = this.#live?.shows(report) === false ? undefined : this.#logs.format(report);
      if (text !== undefined) this.#line(text);
      return;
    }
    // Lines that are made for another program have the output for themselves.
    if ((this.#options.look ?? plainLook).form !== 'text') return this.#remark(report);
    this.#live?.observe(report);
    for (const line of formatReport(report, this.style, this.#options.detail))
      this.#line(inRows(line, this.#options.stdout));
  }

  #reportJson(report: Report): void {
    if (!this.#options.streams) return;
    const head = { version: reportVersion, time: new Date().toISOString() };
    if (report.type !== 'log') return this.#line(JSON.stringify({ ...head, ...report }, roundMs));
    const log = this.#logs.describe(report);
    if (log !== undefined) this.#line(JSON.stringify({ ...head, ...log }));
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
