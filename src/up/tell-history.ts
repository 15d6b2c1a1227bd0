import { Failure, Failures } from '../errors.ts';
import type { Drained, LogReport, Reporter } from '../events.ts';
import { type History, openHistory } from '../history/read-history.ts';
import type { Mask } from '../lib/mask.ts';
import { filterFor, type ShownText } from '../logs/exclude.ts';
import { choosesContainer, type LogChoice } from '../logs/log-choice.ts';
import { toStamp } from '../logs/position.ts';
import { readKindAndName } from '../logs/pod-query.ts';
import { lineTeller, type LineTeller } from '../logs/tell-line.ts';
import type { Project } from '../project.ts';
import { historyFolder } from './record.ts';
import { unknownSources } from './unknown-sources.ts';

export interface TellHistoryOptions {
  readonly project: Project;
  /** Services and workloads, these also as `deploy/web`; `pod/web-0`. None means all. */
  readonly selection: readonly string[];
  readonly choice: LogChoice;
  readonly mask: Mask;
  readonly report: Reporter;
  /** Gets what is said about the lines: from when to when there are any. */
  readonly remark: Reporter;
  readonly drained: Drained;
  readonly shown?: ShownText | undefined;
  readonly signal: AbortSignal;
}

/**
 * Tells the log lines that sessions of this project kept, merged by time, each once. Neither a cluster nor an engine is
 * needed. @throws Failures `usage` for a name that neither the config nor the history has, or a history that can't be read.
 */
export async function tellHistory(options: TellHistoryOptions): Promise<void> {
  const { project, selection, remark, drained, signal } = options;
  await using history = await openFor(options);
  const names = wordsOf(selection).flatMap((word) => (word.kind === 'pod' ? [] : word.name));
  const [unknown, ...others] = unknownSources(names, [...project.services.map(({ name }) => name), ...history.sources]);
  if (unknown) throw new Failures([unknown, ...others]);
  const { from, to, lost } = history;
  if (from === undefined || to === undefined) {
    const isEmpty = history.sources.length === 0;
    const text = isEmpty
      ? 'there is no history yet: `dev` and `run --tail` keep one'
      : 'no line of the history is asked for';
    return remark({ type: 'note', text });
  }
  const tell = tellerFor(options);
  for await (const line of history.lines()) {
    await drained();
    signal.throwIfAborted();
    tell(line);
  }
  const missing = lost > 0 ? `; ${lost} lines are missing, the disk did not take them` : '';
  remark({ type: 'note', text: `history from ${inSeconds(from)} to ${inSeconds(to)}${missing}` });
}

async function openFor({ project, selection, choice }: TellHistoryOptions): Promise<History> {
  const folder = historyFolder(project);
  const { start } = choice;
  const words = wordsOf(selection);
  const isAsked = ({ source, pod }: LogReport) =>
    words.length === 0 || words.some(({ kind, name }) => name === (kind === 'pod' ? pod : source));
  try {
    return await openHistory(folder, {
      wants: (line) => isAsked(line) && choosesContainer(choice, line.container),
      since: start === 'all' || start.sinceTime === undefined ? undefined : toStamp(start.sinceTime),
      tail: start === 'all' ? undefined : start.tailLines,
    });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new Failure('usage', `the history can't be read: ${code}`, { where: folder, detail: message, cause: error });
  }
}

interface Word {
  readonly kind: 'pod' | 'workload' | 'source';
  readonly name: string;
}

/** @throws Failure `usage`. */
function wordsOf(selection: readonly string[]): readonly Word[] {
  return selection.map((word) => readKindAndName(word) ?? { kind: 'source', name: word });
}

/** The rules that hold for lines when they are followed hold here too, those of the config as it is now. */
function tellerFor({ project, choice, mask, report, shown }: TellHistoryOptions): (line: LogReport) => void {
  const exclude = [
    ...project.logs.exclude,
    ...choice.exclude.map((match) => ({ service: undefined, container: undefined, match })),
  ];
  const tellers = new Map<string, LineTeller | undefined>();
  return (line) => {
    const { source, namespace, pod, container, init = false } = line;
    const key = `${source}/${namespace}/${pod}/${container}`;
    if (!tellers.has(key)) {
      const filter = filterFor({ exclude, include: choice.include, shown }, source, container);
      const origin = { source, namespace, pod, container, init };
      tellers.set(key, filter.everything ? undefined : lineTeller(origin, { filter, mask, report }));
    }
    // A piece of a very long line was masked with those beside it when it was written down.
    tellers.get(key)?.tell({ stamp: line.stamp, text: line.line, rest: false, ended: true });
  };
}

function inSeconds(stamp: string): string {
  return stamp.replace(/\.\d+Z$/, 'Z');
}
