import { basename, dirname, relative, sep } from 'node:path';
import type { ContextRules } from '../context/read-context.ts';
import type { GlobArea } from '../lib/glob.ts';
import type { WatchRoot } from '../watch/watch-files.ts';
import type { Ground, GroundService } from './decide.ts';

/**
 * The folders to watch for what `decide` can use, and nothing else: what COPY, ADD and the sync rules can reach of the
 * build contexts, the Dockerfiles and ignore files, the renderers' inputs, and the config.
 */
export function watchRoots(ground: Ground): readonly WatchRoot[] {
  const inputs = ground.services.flatMap(({ rules }) => rules.inputs);
  return [
    ...ground.services.map(contextRoot),
    ...ground.manifests.areas.map(areaRoot),
    ...fileRoots(new Set([...ground.config, ...ground.manifests.files, ...inputs])),
  ];
}

function areaRoot({ folder, matches, mayMatchBelow }: GlobArea): WatchRoot {
  return {
    folder,
    skip: (path, isDirectory) => path !== '' && (isDirectory ? !mayMatchBelow(path) : !matches(path)),
  };
}

function contextRoot({ rules, matcher }: GroundService): WatchRoot {
  return {
    folder: rules.build.context,
    skip: (path, isDirectory) => {
      if (path === '') return false;
      if (isDirectory) return !rules.mayReachBelow(path) && !matcher.mayMatchBelow(path);
      return !isReached(rules, path) && !matcher.match(path);
    },
  };
}

function isReached(rules: ContextRules, path: string): boolean {
  const { kind } = rules.reach(path);
  return kind !== 'ignored' && kind !== 'unreached';
}

/** One root for each folder that holds some of the files, with everything else in it left out. */
function fileRoots(files: ReadonlySet<string>): readonly WatchRoot[] {
  const byFolder = new Map<string, Set<string>>();
  for (const file of files) {
    const names = byFolder.get(dirname(file)) ?? new Set();
    byFolder.set(dirname(file), names.add(basename(file)));
  }
  return [...byFolder].map(([folder, names]) => ({
    folder,
    skip: (path, isDirectory) => path !== '' && (isDirectory || !names.has(path)),
  }));
}

/** @returns a path as the user would write it: relative to the project, where it lies inside. */
export function shownPath(root: string, path: string): string {
  const inside = relative(root, path);
  return inside === '..' || inside.startsWith(`..${sep}`) ? path : inside;
}
