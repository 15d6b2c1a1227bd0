import createMatcher from '@balena/dockerignore';
import { Failure, formatPosition } from '../errors.ts';
import { mayCoverBelow, parsePattern, type PathPattern } from './path-pattern.ts';

/** The patterns of one ignore file, in force for one build context. */
export interface IgnoreRules {
  /** @returns the line that leaves the path out of the context; undefined when it is in. */
  ruleFor(path: string): string | undefined;
  /** @returns true when everything below the folder is left out, so that nobody needs to look there. */
  leavesOutAllBelow(folder: string): boolean;
}

interface Rule {
  readonly text: string;
  readonly negative: boolean;
  readonly matches: (path: string) => boolean;
  /** undefined when it can't be told, so that it may cover anything. */
  readonly pattern: PathPattern | undefined;
}

/** What stormctl itself keeps: it changes with every session, and no image is meant to hold it. */
const stateForm = /(?:^|\/)\.stormctl(?:\/|$)/;

/**
 * Reads an ignore file: the last line that matches a path, or a folder above it, decides. `.stormctl` is left out always.
 *
 * @throws Failure `usage` with the line that is no pattern.
 */
export function readIgnoreRules(content: string, file: string): IgnoreRules {
  const rules = content
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .flatMap((line, index) => toRule(line, { file, line: index + 1, column: 1 }));
  const decide = (path: string) => rules.findLast(({ matches }) => matches(path));
  return {
    ruleFor: (path) => {
      if (stateForm.test(path)) return '.stormctl';
      const rule = decide(path);
      return rule && !rule.negative ? rule.text : undefined;
    },
    leavesOutAllBelow: (folder) =>
      stateForm.test(folder) ||
      (decide(folder)?.negative === false &&
        !rules.some(({ negative, pattern }) => negative && (!pattern || mayCoverBelow(pattern, folder)))),
  };
}

function toRule(line: string, at: { readonly file: string; readonly line: number; readonly column: number }): Rule[] {
  const text = line.trim();
  if (text === '' || line.startsWith('#')) return [];
  const negative = text.startsWith('!');
  const glob = negative ? text.slice(1).trim() : text;
  if (glob === '') return [];
  // moby/patternmatcher takes these as they are; the library would read them as parts of a regular expression.
  const matcher = createMatcher({ ignorecase: false }).add(
    `./${glob}`.replace(/\\.|[+()|{}]/g, (found) => (found.length > 1 ? found : `\\${found}`)),
  );
  try {
    matcher.ignores('any');
  } catch (cause) {
    throw new Failure('usage', `the ignore file has a pattern that is none: ${text}`, {
      where: formatPosition(at),
      detail: line,
      next: 'close its bracket, or escape it with a backslash',
      cause,
    });
  }
  // Two stars that are a part of a name match across folders.
  const pattern = /[^/]\*\*|\*\*[^/]/.test(glob) ? undefined : parsePattern(glob, true);
  const depth = depthOf(glob, pattern);
  const decisive = depth === undefined ? (path: string) => path : (path: string) => firstNames(path, depth);
  return [{ text, negative, matches: (path) => path !== '' && matcher.ignores(decisive(path)), pattern }];
}

/**
 * How many names from the root decide whether a pattern matches a path: without `**` as many as it has. The library keeps an
 * answer for each path that it was asked for; asked for these names alone it keeps a few, and a big tree is read in half
 * the time.
 *
 * @returns undefined when all of a path may count.
 */
function depthOf(glob: string, pattern: PathPattern | undefined): number | undefined {
  return !pattern || pattern.length === 0 || /\*\*|[[\\]/.test(glob) ? undefined : pattern.length;
}

function firstNames(path: string, count: number): string {
  let end = -1;
  for (let names = 0; names < count; names++) {
    end = path.indexOf('/', end + 1);
    if (end === -1) return path;
  }
  return path.slice(0, end);
}
