import { stat } from 'node:fs/promises';
import { basename, dirname, relative, sep } from 'node:path';
import type { ContextRules } from '../context/read-context.ts';
import type { WatchRoot } from '../watch/watch-files.ts';
import { type Ground, type GroundService, mayBeManifest } from './decide.ts';

/**
 * The folders to watch for what `decide` can use, and nothing else: what COPY, ADD and the sync rules can reach of the
 * build contexts, the Dockerfiles and ignore files, the renderers' inputs, and the config.
 */
export async function watchRoots(ground: Ground): Promise<readonly WatchRoot[]> {
  const files = new Set([...ground.config, ...ground.services.flatMap(({ rules }) => rules.inputs)]);
  const folders: string[] = [];
  for (const input of ground.manifests) {
    if (await isFolder(input)) folders.push(input);
    else files.add(input);
  }
  return [...ground.services.map(contextRoot), ...folders.map(manifestRoot), ...fileRoots([...files])];
}

function manifestRoot(folder: string): WatchRoot {
  return {
    folder,
    skip: (path, isDirectory) =>
      path !== '' && (isDirectory ? /(^|\/)(\.git|node_modules)$/.test(path) : !mayBeManifest(path)),
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
function fileRoots(files: readonly string[]): readonly WatchRoot[] {
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

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    // It went after the render listed it; as a file it is watched until it comes back.
    return false;
  }
}

/** @returns a path as the user would write it: relative to the project, where it lies inside. */
export function shownPath(root: string, path: string): string {
  const inside = relative(root, path);
  return inside === '..' || inside.startsWith(`..${sep}`) ? path : inside;
}
