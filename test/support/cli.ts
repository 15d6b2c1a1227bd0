import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Report } from '../../src/events.ts';
import { readReportSchema, violations } from './report-schema.ts';

const schema = readReportSchema();

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface CliOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** The built stormctl as a process of its own, seen from outside: what it prints, and how it ends. */
export class Cli implements AsyncDisposable {
  readonly lines: string[] = [];
  /** The reports of a command that was started with `-o json`. */
  readonly reports: Report[] = [];
  readonly violations: string[] = [];
  readonly ended: Promise<Ended>;
  stderr = '';
  readonly #child: ChildProcess;
  readonly #watchers = new Set<() => void>();
  #end: Ended | undefined;

  constructor(args: readonly string[], { cwd, env }: CliOptions) {
    this.#child = spawn(process.execPath, [resolve('bin/stormctl.js'), ...args], {
      cwd,
      env: { ...process.env, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { stdout, stderr } = this.#child;
    if (!stdout || !stderr) throw new Error('no pipes');
    createInterface({ input: stdout }).on('line', (line) => {
      this.lines.push(line);
      if (line.startsWith('{')) this.#take(JSON.parse(line) as Report);
      this.#look();
    });
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#look();
    });
    this.ended = once(this.#child, 'close').then(([code, signal]) => {
      this.#end = { code: code as number | null, signal: signal as NodeJS.Signals | null };
      this.#look();
      return this.#end;
    });
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('not started');
    return this.#child.pid;
  }

  get text(): string {
    return this.lines.join('\n');
  }

  reportsOf<T extends Report['type']>(type: T): readonly Extract<Report, { type: T }>[] {
    return this.reports.filter((report): report is Extract<Report, { type: T }> => report.type === type);
  }

  /** Resolves with what `find` gives as soon as it gives something; rejects when the process ended or time is over. */
  async until<T>(what: string, find: (cli: Cli) => T | undefined | false, timeoutMs = 120_000): Promise<T> {
    return new Promise((found, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        settle();
      };
      const look = () => {
        const value = find(this);
        if (value !== undefined && value !== false) finish(() => found(value));
        else if (this.#end) finish(() => reject(new Error(`stormctl ended before ${what}\n${this.#tail()}`)));
      };
      const timer = setTimeout(
        () => finish(() => reject(new Error(`waited in vain for ${what}\n${this.#tail()}`))),
        timeoutMs,
      );
      this.#watchers.add(look);
      look();
    });
  }

  /** Resolves with the first report of a type, from index `from` on, that `matches`. */
  report<T extends Report['type']>(
    type: T,
    matches: (report: Extract<Report, { type: T }>) => boolean = () => true,
    { timeoutMs = 120_000, from = 0 } = {},
  ): Promise<Extract<Report, { type: T }>> {
    return this.until(type, (cli) => cli.reportsOf(type).slice(from).find(matches), timeoutMs);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#end) this.#child.kill('SIGKILL');
    await this.ended;
    assert.doesNotMatch(this.stderr, /^\(node:\d+\)/m, 'Node.js warns of something');
    assert.deepEqual(this.violations, [], 'what was printed is not what docs/report.schema.json says');
  }

  /** Every report that any of these tests sees is held against the schema that is published. */
  #take(report: Report): void {
    this.reports.push(report);
    if ('version' in report && 'type' in report) this.violations.push(...violations(schema, { ...report }));
  }

  #look(): void {
    for (const watcher of this.#watchers) watcher();
  }

  #tail(): string {
    return [...this.lines.slice(-40), this.stderr.slice(-2000)].join('\n');
  }
}

/** Runs a command to its end. */
export async function runCli(
  args: readonly string[],
  options: CliOptions,
): Promise<Cli & { readonly code: number | null }> {
  await using cli = new Cli(args, options);
  const { code } = await cli.ended;
  return Object.assign(cli, { code });
}
