import { readdir } from 'node:fs/promises';
import { join, posix, relative } from 'node:path';
import { formatPosition } from '../errors.ts';
import { createMatcher, type RuleMatcher } from '../sync/match-rule.ts';
import type { Ground } from './decide.ts';
import { emptyIfGone } from '../lib/if-gone.ts';

/** What a person should know about a rule, and what may be meant. */
export interface RuleDoubt {
  readonly service: string;
  readonly text: string;
  readonly next: string;
}

/**
 * Looks in the build contexts for a file of every sync rule: one that matches nothing is likely mistyped, or relative to
 * another folder. Only folders that a rule can reach into are read, and only up to its first file.
 *
 * @param root the project's folder, for the words. @throws what reading a folder throws, unless it is not there.
 */
export async function findIdleRules({ services }: Ground, root: string): Promise<readonly RuleDoubt[]> {
  const found = await Promise.all(
    services.flatMap(({ name, rules, sync }) =>
      sync.map(async (rule) => {
        const { context } = rules.build;
        if (await matchesBelow(createMatcher([rule], rules.ignore), context, '')) return [];
        const base = relative(root, context) || '.';
        return [
          {
            service: name,
            text: `${formatPosition(rule.at)}: the sync rule ${rule.from} matches no file`,
            next: `\`from\` is relative to the build context, which is ${base}; what the ignore file leaves out does not count`,
          },
        ];
      }),
    ),
  );
  return found.flat();
}

async function matchesBelow(matcher: RuleMatcher, context: string, folder: string): Promise<boolean> {
  const entries = await readdir(join(context, folder), { withFileTypes: true }).catch(emptyIfGone);
  const paths = entries.map((entry) => ({ isFolder: entry.isDirectory(), path: posix.join(folder, entry.name) }));
  if (paths.some(({ isFolder, path }) => !isFolder && matcher.match(path))) return true;
  for (const { isFolder, path } of paths)
    if (isFolder && matcher.mayMatchBelow(path) && (await matchesBelow(matcher, context, path))) return true;
  return false;
}
