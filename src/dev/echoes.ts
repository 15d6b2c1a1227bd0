/** What one service's saves and builds have looked like lately; times are `performance.now()`. */
export interface EchoState {
  /** What the last saves wrote, nothing else between them. */
  readonly paths: readonly string[];
  /** Saves with less than a second between them. */
  readonly writes: readonly number[];
  /** For builds in a row that just one save of these paths answered: when it came. */
  readonly answers: readonly Answer[];
  readonly build:
    | { readonly begunAt: number; readonly endedAt: number | undefined; readonly saves: number }
    | undefined;
}

interface Answer {
  readonly sinceBegun: number;
  /** undefined: while it ran. */
  readonly sinceEnded: number | undefined;
}

export type EchoEvent =
  /** Files were saved that the service is made of. */
  | { readonly type: 'saved'; readonly paths: readonly string[]; readonly at: number }
  | { readonly type: 'begun'; readonly at: number }
  /** Its build has ended, and where it gave another image, its rollout. */
  | { readonly type: 'ended'; readonly at: number };

export const noEchoes: EchoState = { paths: [], writes: [], answers: [], build: undefined };

/** A save this soon after a build, or after another save, may be made by what that set off. */
const soonMs = 1000;

/** Builds in a row that were answered at the same moment, give or take: nobody's hand is that even. */
const evenAnswers = [
  { count: 5, withinMs: 100 },
  // A machine that is busy is less punctual.
  { count: 10, withinMs: 300 },
] as const;
/** Builds in a row that were answered after their end, and none earlier: a person would be too slow or too fast for one. */
const mostAnswers = 30;

/** An editor that saves at each key can be this quick, for as long as a key is held down. */
const evenWrites = 20;
const evenWritesMs = 50;
const evenWritesForMs = 10_000;
/** Nobody types this long without a second's rest. */
const mostWrites = 300;

/**
 * Notices what a person would not do: that the same files, and nothing else, are written again after each build, or
 * without rest. Pure. A person who saves one file over and over is told apart by the rhythm: saves come several to a build
 * or more than a second after it, and never at the same moment of many builds in a row.
 *
 * @returns the state, and whether something that writes these files by itself is to be assumed.
 */
export function stepEchoes(
  state: EchoState,
  event: EchoEvent,
): { readonly state: EchoState; readonly isLoop: boolean } {
  switch (event.type) {
    case 'begun':
      return { state: { ...state, build: { begunAt: event.at, endedAt: undefined, saves: 0 } }, isLoop: false };
    case 'ended':
      return { state: state.build ? { ...state, build: { ...state.build, endedAt: event.at } } : state, isLoop: false };
    case 'saved': {
      const next = saved(state, event.paths, event.at);
      return { state: next, isLoop: isAnswering(next.answers) || isRestless(next.writes) };
    }
  }
}

function saved(state: EchoState, paths: readonly string[], at: number): EchoState {
  const build = state.build && { ...state.build, saves: state.build.saves + 1 };
  if (!isSame(paths, state.paths)) return { paths, writes: [at], answers: [], build };
  const last = state.writes.at(-1) ?? -Infinity;
  const writes = at - last < soonMs ? [...state.writes, at] : [at];
  const answer = answerTo(state.build, at);
  return {
    paths: state.paths,
    writes: writes.slice(-mostWrites),
    answers: answer ? [...state.answers, answer].slice(-mostAnswers) : [],
    build,
  };
}

function answerTo(build: EchoState['build'], at: number): Answer | undefined {
  if (!build || build.saves > 0) return undefined;
  const sinceEnded = build.endedAt === undefined ? undefined : at - build.endedAt;
  return (sinceEnded ?? 0) > soonMs ? undefined : { sinceBegun: at - build.begunAt, sinceEnded };
}

function isAnswering(answers: readonly Answer[]): boolean {
  if (answers.length >= mostAnswers && answers.every(({ sinceEnded }) => sinceEnded !== undefined)) return true;
  return evenAnswers.some(({ count, withinMs }) => {
    const last = answers.slice(-count);
    if (last.length < count) return false;
    const ended = last.flatMap(({ sinceEnded }) => sinceEnded ?? []);
    const begun = last.map(({ sinceBegun }) => sinceBegun);
    return isEven(begun, withinMs) || (ended.length === count && isEven(ended, withinMs));
  });
}

function isRestless(writes: readonly number[]): boolean {
  if (writes.length >= mostWrites) return true;
  const [first = 0] = writes;
  const last = writes.slice(-evenWrites);
  if (last.length < evenWrites || (last.at(-1) ?? 0) - first < evenWritesForMs) return false;
  const gaps = last.slice(1).map((at, index) => at - (last[index] ?? at));
  return isEven(gaps, evenWritesMs);
}

function isEven(all: readonly number[], withinMs: number): boolean {
  return Math.max(...all) - Math.min(...all) <= withinMs;
}

function isSame(paths: readonly string[], known: readonly string[]): boolean {
  return paths.length === known.length && paths.every((path) => known.includes(path));
}
