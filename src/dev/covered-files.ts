import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { Failure } from '../errors.ts';
import { kindOf } from '../lib/if-gone.ts';
import { type ChangedPaths, decide, type Decision, type GroundService, type SyncDecision } from './decide.ts';

/** Files that can be synced, and where they go. */
export type Covered = Pick<SyncDecision, 'changed' | 'removed'>;

export interface CoverOptions {
  readonly service: GroundService;
  /** Absolute; a folder stands for what below it can be synced, and what is not there is to be removed. None: all. */
  readonly paths: readonly string[];
  /** How messages name a path. */
  readonly shown: (path: string) => string;
  readonly signal: AbortSignal;
}

/**
 * @returns what can be synced of the paths, each file as a save of it would be.
 * @throws Failure `usage` for a path that can't be, with what a save of it would do; the signal's reason on abort.
 */
export async function findCovered({ service, paths, shown, signal }: CoverOptions): Promise<Covered> {
  const found: Covered[] = [];
  for (const path of paths.length > 0 ? paths : [service.rules.build.context]) {
    const covered = await coverPath(service, path, signal);
    if (!covered) throw notCovered(service, path, shown(path));
    found.push(covered);
  }
  return {
    changed: found.flatMap(({ changed }) => changed),
    removed: found.flatMap(({ removed }) => removed),
  };
}

async function coverPath(service: GroundService, path: string, signal: AbortSignal): Promise<Covered | undefined> {
  const kind = await kindOf(path);
  if (kind === undefined) return coverFiles(service, { changed: [], removed: [path] });
  const changed: string[] = [];
  if (kind === 'file') changed.push(path);
  else for await (const file of filesBelow(service, path, signal)) changed.push(file);
  return coverFiles(service, { changed, removed: [] });
}

/** All at once, because each batch looks at the disk for itself; what would be rebuilt has no part in it. */
function coverFiles(service: GroundService, batch: ChangedPaths): Covered | undefined {
  const [decision] = decideOn(service, batch);
  if (decision?.action === 'rebuild') return decision.along;
  return decision?.action === 'sync' ? decision : undefined;
}

function decideOn(service: GroundService, batch: ChangedPaths): readonly Decision[] {
  return decide(batch, { config: [], manifests: { files: [], areas: [] }, services: [service] });
}

/** Enters only folders below which something can be synced. */
async function* filesBelow(
  service: GroundService,
  folder: string,
  signal: AbortSignal,
): AsyncGenerator<string, void, void> {
  signal.throwIfAborted();
  const { rules, matcher } = service;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) {
      yield path;
      continue;
    }
    const inside = relative(rules.build.context, path).split(sep).join('/');
    if (rules.mayReachBelow(inside) || matcher.mayMatchBelow(inside)) yield* filesBelow(service, path, signal);
  }
}

function notCovered(service: GroundService, path: string, shown: string): Failure {
  const [decision] = decideOn(service, { changed: [path], removed: [] });
  const why = decision ? `: ${effectOf(decision)}, ${decision.because}` : '';
  return new Failure('usage', `nothing of ${shown} can be synced for ${service.name}${why}`, {
    next: `give the service a sync rule that covers it, or see what decides: stormctl why ${shown}`,
  });
}

function effectOf({ action }: Decision): string {
  return action === 'ignore' ? 'a save of it does nothing' : `a save of it leads to a ${action}`;
}
