import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogReport } from '../../../src/events.ts';
import { LogHistory, type LogHistoryOptions } from '../../../src/history/log-history.ts';
import { type HistoryQuery, openHistory } from '../../../src/history/read-history.ts';

export interface HistoryScene extends AsyncDisposable {
  /** Stands for the project's `.stormctl`. */
  readonly state: string;
  readonly folder: string;
  readonly problems: unknown[];
  /** A session that tells these lines and ends. */
  session(lines: readonly LogReport[], limits?: LogHistoryOptions['limits']): Promise<void>;
  read(query?: Partial<HistoryQuery>): Promise<{
    readonly lines: readonly string[];
    readonly from: string | undefined;
    readonly to: string | undefined;
    readonly lost: number;
    readonly sources: readonly string[];
  }>;
}

export async function historyScene(): Promise<HistoryScene> {
  const root = await mkdtemp(join(tmpdir(), 'stormctl-history-'));
  const state = join(root, '.stormctl');
  const folder = join(state, 'logs');
  const problems: unknown[] = [];
  return {
    state,
    folder,
    problems,
    async session(lines, limits) {
      await using history = new LogHistory({
        folder,
        onProblem: (error) => problems.push(error),
        ...(limits && { limits }),
      });
      for (const each of lines) history.take(each);
    },
    async read(query = {}) {
      await using history = await openHistory(folder, {
        wants: () => true,
        since: undefined,
        tail: undefined,
        ...query,
      });
      const lines: string[] = [];
      for await (const { source, pod, line } of history.lines()) lines.push(`${source} ${pod} ${line}`);
      const { from, to, lost, sources } = history;
      return { lines, from, to, lost, sources };
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

/** @returns a stamp, `second` after midnight. */
export function at(second: number): string {
  return new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString().replace('Z', '000000Z');
}

export function log(source: string, second: number, line: string, pod = `${source}-1`): LogReport {
  return { type: 'log', source, namespace: 'n', pod, container: 'c', stamp: at(second), line };
}
