import { posix } from 'node:path';
import picomatch from 'picomatch';
import type { IgnoreRules } from '../context/ignore-rules.ts';
import { fixedPart } from '../lib/glob.ts';
import type { SyncRule } from '../project.ts';

interface RuleMatch {
  readonly rule: SyncRule;
  /** The absolute path in the container. */
  readonly to: string;
}

/** Sync rules, their globs compiled once. Paths are relative to the build context, with `/` between their parts. */
export interface RuleMatcher {
  /** Where the first rule that covers a file puts it. */
  match(path: string): RuleMatch | undefined;
  /** @returns false when no rule can cover anything below the folder; `''` is the context itself. */
  mayMatchBelow(folder: string): boolean;
}

/** No glob leads into these: what is meant of them has to be named. */
const neverByGlob = new Set(['.git', 'node_modules']);

/**
 * Globs see dotfiles; a file outside a rule's `base` is not covered by it, and neither is one that the ignore file leaves
 * out, unless the fixed part of `from` is left out itself: who writes `dist/**` means dist (docs/decisions/0013).
 */
export function createMatcher(rules: readonly SyncRule[], ignore: IgnoreRules): RuleMatcher {
  const compiled = rules.map((rule) => compile(rule, ignore));
  return {
    match(path) {
      const file = posix.normalize(path);
      for (const each of compiled) {
        const to = each.placeOf(file);
        if (to !== undefined) return { rule: each.rule, to };
      }
      return undefined;
    },
    mayMatchBelow: (folder) => compiled.some((each) => each.mayMatchBelow(folder)),
  };
}

interface CompiledRule {
  readonly rule: SyncRule;
  readonly placeOf: (file: string) => string | undefined;
  readonly mayMatchBelow: (folder: string) => boolean;
}

function compile(rule: SyncRule, ignore: IgnoreRules): CompiledRule {
  const glob = posix.normalize(rule.from);
  const base = posix.join('/', rule.base, '/').slice(1);
  const fixed = fixedPart(glob);
  const pattern = picomatch.makeRe(glob, { dot: true });
  const isNamed = (path: string) => path === glob || (fixed !== '' && ignore.ruleFor(fixed) !== undefined);
  const depth = depthOf(glob);
  return {
    rule,
    placeOf(file) {
      if (file === base || !file.startsWith(base) || (file !== glob && !pattern.test(file))) return undefined;
      if (isBarred(file, fixed) || (!isNamed(file) && ignore.ruleFor(file) !== undefined)) return undefined;
      return posix.join(rule.to, file.slice(base.length));
    },
    mayMatchBelow(folder) {
      if (folder === '' || fixed === folder || fixed.startsWith(`${folder}/`)) return true;
      if (fixed !== '' && !folder.startsWith(`${fixed}/`)) return false;
      if (isBarred(folder, fixed) || folder.split('/').length >= depth) return false;
      return isNamed(folder) || !ignore.leavesOutAllBelow(folder);
    },
  };
}

/** Whether the part of a path that the glob found, and nobody wrote, leads through a folder that is never entered. */
function isBarred(path: string, fixed: string): boolean {
  const found = fixed === '' ? path : path.slice(fixed.length + 1);
  return found.split('/').some((name) => neverByGlob.has(name));
}

/** @returns how many parts the paths of a glob have at most. */
function depthOf(glob: string): number {
  return /\*\*|[{(]/.test(glob) ? Number.POSITIVE_INFINITY : glob.split('/').length;
}
