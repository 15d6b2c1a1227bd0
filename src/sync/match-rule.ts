import { posix } from 'node:path';
import picomatch from 'picomatch';
import type { SyncRule } from '../project.ts';

export interface RuleMatch {
  readonly rule: SyncRule;
  /** The absolute path in the container. */
  readonly to: string;
}

/**
 * Where the first rule that covers a file puts it. Globs see dotfiles; a file outside a rule's `base` is not covered by it.
 *
 * @param path relative to the build context, with `/` between its parts.
 */
export function matchRule(rules: readonly SyncRule[], path: string): RuleMatch | undefined {
  const file = posix.normalize(path);
  for (const rule of rules) {
    const below = posix.relative(posix.join('/', rule.base), posix.join('/', file));
    if (below === '' || below.startsWith('../')) continue;
    if (picomatch.isMatch(file, posix.normalize(rule.from), { dot: true })) {
      return { rule, to: posix.join(rule.to, below) };
    }
  }
  return undefined;
}
