import { join } from 'node:path';
import type { Reporter } from '../events.ts';
import { LogHistory } from '../history/log-history.ts';
import { SessionLog } from '../history/session-log.ts';
import { Scope } from '../lib/scope.ts';
import { stateFolderOf } from '../lib/state-folder.ts';
import type { Project } from '../project.ts';
import { Tally } from './tally.ts';

/** Where a project's history of logs lies. */
export function historyFolder({ root }: Pick<Project, 'root'>): string {
  return join(stateFolderOf(root), 'logs');
}

/**
 * What a session leaves behind of its reports: a summary, its log lines in a history and the other reports in a file.
 * Disposing reports the summary, if there was a session, and writes the rest.
 */
export class SessionRecord implements AsyncDisposable {
  readonly #report: Reporter;
  readonly #tally = new Tally(performance.now());
  readonly #scope = new Scope();
  #log: SessionLog | undefined;
  #history: LogHistory | undefined;
  #isTold = false;

  constructor(report: Reporter) {
    this.#report = report;
  }

  /** Takes a report down and hands it on. */
  readonly report: Reporter = (report) => {
    this.#tally.take(report);
    if (report.type === 'log') this.#history?.take(report);
    else this.#log?.take(report, new Date());
    this.#report(report);
  };

  /** From the first call on reports are written down beside the project's config. */
  keep(project: Pick<Project, 'root' | 'logs'>): void {
    if (this.#log) return;
    const onProblem = (error: unknown) => this.#tell(error);
    this.#log = this.#scope.own(new SessionLog({ folder: stateFolderOf(project.root), onProblem }));
    if (project.logs.history)
      this.#history = this.#scope.own(new LogHistory({ folder: historyFolder(project), onProblem }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const summary = this.#tally.summary(performance.now());
    if (summary) this.report(summary);
    await this.#scope[Symbol.asyncDispose]();
  }

  /** Once, whatever else goes wrong there: the session does not depend on it. */
  #tell(error: unknown): void {
    if (this.#isTold) return;
    this.#isTold = true;
    this.#report({
      type: 'warning',
      text: `the history of this session can't be written: ${error instanceof Error ? error.message : String(error)}`,
      next: 'free or allow the folder .stormctl, or turn it off: `logs: { history: false }`',
    });
  }
}
