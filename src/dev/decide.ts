import { relative, sep } from 'node:path';
import type { Landing } from '../context/landing.ts';
import type { Place } from '../context/places.ts';
import type { ContextRules } from '../context/read-context.ts';
import { formatStep } from '../context/steps.ts';
import { formatPosition } from '../errors.ts';
import type { InputFiles } from '../manifests/render-inputs.ts';
import type { SyncRule } from '../project.ts';
import type { RuleMatcher } from '../sync/match-rule.ts';

/** What the paths of a batch are held against. */
export interface Ground {
  /** Absolute files: stormctl.yaml and `.env`. */
  readonly config: readonly string[];
  readonly manifests: InputFiles;
  readonly services: readonly GroundService[];
}

export interface GroundService {
  readonly name: string;
  readonly rules: ContextRules;
  readonly sync: readonly SyncRule[];
  /** Of the rules in `sync`. */
  readonly matcher: RuleMatcher;
  /** Whether what no rule covers goes where COPY puts it. */
  readonly autoSync: boolean;
}

export interface ChangedPaths {
  /** Absolute paths of files that were made or written. */
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** Of `changed`: the files whose executable bits are not what they were. */
  readonly modes?: readonly string[];
}

export interface RebuildDecision {
  readonly action: 'rebuild';
  readonly service: string;
  readonly paths: readonly string[];
  readonly because: string;
  /** The files of the batch that need no build: they are in the image, but it may fail, or wait. */
  readonly along?: SyncDecision;
}

export interface SyncDecision {
  readonly action: 'sync';
  readonly service: string;
  readonly paths: readonly string[];
  readonly changed: readonly SyncedPath[];
  readonly removed: readonly SyncedPath[];
  readonly because: string;
}

export type Decision =
  | { readonly action: 'reload' | 'redeploy'; readonly paths: readonly string[]; readonly because: string }
  | RebuildDecision
  | SyncDecision
  | {
      readonly action: 'ignore';
      readonly service: string;
      readonly paths: readonly string[];
      readonly because: string;
    };

interface SyncedPath {
  /** Absolute, here. */
  readonly from: string;
  /** Absolute, in the container. */
  readonly to: string;
  /** The folder in the container that the rule or the COPY names: nothing is written outside of it. */
  readonly root: string;
  /** What it gets there; default: its own. */
  readonly mode?: number;
  /** Its executable bits go with it. */
  readonly modeChanged?: true;
  /** A rule covers it, and no COPY or ADD. */
  readonly notInImage?: true;
}

/**
 * What a batch of changed paths asks for, service by service; a service that none of them reaches is not in the answer.
 * Pure: the same batch and ground give the same decisions.
 */
export function decide(batch: ChangedPaths, ground: Ground): readonly Decision[] {
  const all = [...batch.changed, ...batch.removed];
  const reload = all.filter((path) => ground.config.includes(path));
  const redeploy = all.filter((path) => isManifest(path, ground.manifests));
  return [
    // The rest counts all the same: a config with a mistake changes nothing.
    ...decideOn('reload', reload, 'it is the config'),
    ...decideOn('redeploy', redeploy, 'the manifests are made of it'),
    ...ground.services.flatMap((service) => decideService(batch, service)),
  ];
}

function decideOn(action: 'reload' | 'redeploy', paths: readonly string[], because: string): readonly Decision[] {
  return paths.length > 0 ? [{ action, paths, because }] : [];
}

type Fate =
  | { readonly kind: 'rebuild'; readonly because: string }
  | { readonly kind: 'sync'; readonly places: readonly FatedPlace[]; readonly because: string }
  | { readonly kind: 'ignore'; readonly because: string };

type FatedPlace = Place & Pick<SyncedPath, 'notInImage'>;

function decideService(batch: ChangedPaths, service: GroundService): readonly Decision[] {
  const landingOf = service.rules.landings();
  const fates = (paths: readonly string[]) =>
    paths.flatMap((path) => {
      const fate = fateOf(path, service, landingOf);
      return fate ? [{ path, fate }] : [];
    });
  const changed = fates(batch.changed);
  const removed = fates(batch.removed);
  const all = [...changed, ...removed];
  const shown = (some: readonly { readonly path: string }[]) =>
    some.map(({ path }) => inContext(path, service.rules) ?? path);
  const modes = new Set(batch.modes);
  const synced = all.filter(({ fate }) => fate.kind === 'sync');
  const sync: SyncDecision | undefined = synced[0] && {
    action: 'sync',
    service: service.name,
    paths: shown(synced),
    changed: changed.flatMap((file) => {
      const modeChanged = modes.has(file.path);
      return syncedPaths(file).map((synced) => (modeChanged ? { ...synced, modeChanged } : synced));
    }),
    removed: removed.flatMap(syncedPaths),
    because: synced[0].fate.because,
  };
  const rebuilds = all.filter(({ fate }) => fate.kind === 'rebuild');
  const [first] = rebuilds;
  if (first) {
    const along = sync && { along: sync };
    const { because } = first.fate;
    return [{ action: 'rebuild', service: service.name, paths: shown(rebuilds), because, ...along }];
  }
  if (sync) return [sync];
  return all[0] ? [{ action: 'ignore', service: service.name, paths: shown(all), because: all[0].fate.because }] : [];
}

function syncedPaths({ path, fate }: { readonly path: string; readonly fate: Fate }): readonly SyncedPath[] {
  return fate.kind === 'sync' ? fate.places.map((place) => ({ from: path, ...place })) : [];
}

/** @returns what one path means to one service; undefined when it lies outside of what the service is made of. */
function fateOf(
  path: string,
  { rules, sync, matcher, autoSync }: GroundService,
  landingOf: (path: string) => Landing,
): Fate | undefined {
  const dockerfile = rules.build.dockerfile;
  if (rules.inputs.includes(path))
    return { kind: 'rebuild', because: path === dockerfile ? 'it is the Dockerfile' : 'it is the ignore file' };
  const inside = inContext(path, rules);
  if (inside === undefined) return undefined;
  const match = matcher.match(inside);
  const reach = rules.reach(inside);
  if (match) {
    const notInImage = reach.kind !== 'reached' && { notInImage: true as const };
    const place = { to: match.to, root: match.rule.to, ...notInImage };
    return { kind: 'sync', places: [place], because: ruleText(match.rule) };
  }
  switch (reach.kind) {
    case 'dockerfile':
      return { kind: 'rebuild', because: 'it is the Dockerfile' };
    case 'ignoreFile':
      return { kind: 'rebuild', because: 'it is the ignore file' };
    case 'reached':
      if (autoSync) return fateOfCopied(landingOf(inside));
      return {
        kind: 'rebuild',
        because: `${formatStep(reach)}${sync.length > 0 ? ', and no sync rule covers it' : ''}`,
      };
    case 'ignored':
      return { kind: 'ignore', because: `the ignore file has ${reach.rule}` };
    case 'unreached':
      return { kind: 'ignore', because: 'no COPY or ADD of the target stage reaches it' };
  }
}

function fateOfCopied(landing: Landing): Fate {
  if (landing.kind === 'rebuild') return landing;
  return { kind: 'sync', places: landing.places, because: landing.because };
}

function ruleText({ from, to, at }: SyncRule): string {
  return `${from} → ${to} (${formatPosition(at)})`;
}

/** @returns the path inside the build context, separated by `/`; undefined when it is outside. */
function inContext(path: string, { build }: ContextRules): string | undefined {
  const inside = below(build.context, path);
  const isOutside = inside === '' || inside === '..' || inside.startsWith('../');
  return isOutside ? undefined : inside;
}

function isManifest(path: string, { files, areas }: InputFiles): boolean {
  return (
    files.includes(path) ||
    areas.some(({ folder, matches }) => path.startsWith(`${folder}${sep}`) && matches(below(folder, path)))
  );
}

/** @returns the path from `folder` on, separated by `/`. */
function below(folder: string, path: string): string {
  return relative(folder, path).split(sep).join('/');
}
