import { Disk } from './disk.ts';
import { covers } from './path-pattern.ts';
import { createPlacer, isWithin, type Place, type PlacedFile } from './places.ts';
import { findRival } from './rivals.ts';
import { type Stage, stagesFor } from './stages.ts';
import { formatStep, type Source, type Step } from './steps.ts';

/** What became of a file of the context in the image: it lies there as it is, or only another build brings it there. */
export type Landing =
  /** `because`: the COPY that brought it. */
  | { readonly kind: 'copied'; readonly places: readonly Place[]; readonly because: string }
  | { readonly kind: 'rebuild'; readonly because: string };

export interface LandingOptions {
  readonly stages: readonly Stage[];
  readonly target: Stage;
  /** What the stages that the target needs take, where only the build knows which files that are. */
  readonly unseen: readonly Source[];
  /** What they take because a symbolic link leads there. */
  readonly linked: readonly Source[];
  /** The build context, absolute. */
  readonly root: string;
  readonly isIgnored: (path: string) => boolean;
}

export interface Landings {
  /** @returns false when no path can lie in the image as it is in the context. */
  readonly mayLand: boolean;
  /**
   * Looks at the disk once, for a batch of paths: for links, and for other files that land at the same place. @returns where
   * one that is reached lies in the image, or why only a build brings it there.
   */
  readonly landings: () => (path: string) => Landing;
}

/**
 * Finds where the files of the context land in the target: those that reach it by COPY alone, in the target itself and the
 * stages that it is FROM, with no RUN after the first one. Whatever can't be told for sure is a rebuild.
 */
export function createLandings(options: LandingOptions): Landings {
  const chain = chainOf(options.stages, options.target);
  const carried = carriedBy(chain.steps, options.stages);
  const place = createPlacer(chain.steps);
  const { isIgnored } = options;
  const land = (path: string, disk: Disk): Landing => {
    const obstacle =
      chain.obstacle ?? unseenBy(options.unseen) ?? carried(path) ?? linkedBy(path, options.linked, disk);
    if (obstacle !== undefined) return { kind: 'rebuild', because: obstacle };
    const first = chain.steps.findIndex((step) => takes(step, path));
    const user = chain.steps.findIndex(({ kind }, index) => kind === 'run' && index >= first);
    if (first < 0 || user >= 0) return { kind: 'rebuild', because: usedBy(chain.steps, first, user) };
    return landAt(
      place(path),
      (placed) => findRival({ ...placed, path, chain: chain.steps, disk, isIgnored }),
      chain.steps,
    );
  };
  const lastRun = chain.steps.findLastIndex(({ kind }) => kind === 'run');
  return {
    mayLand:
      chain.obstacle === undefined &&
      options.unseen.length === 0 &&
      chain.steps.some((step, index) => step.kind === 'copy' && step.sources.length > 0 && index > lastRun),
    landings: () => {
      const disk = new Disk(options.root);
      return (path) => land(path, disk);
    },
  };
}

interface Chain {
  /** From the stage that is FROM an image to the target. */
  readonly steps: readonly Step[];
  readonly obstacle: string | undefined;
}

function chainOf(stages: readonly Stage[], target: Stage): Chain {
  const steps: Step[] = [];
  for (let stage: Stage | undefined = target; stage; ) {
    steps.unshift(...stage.steps);
    const [parent, ...others]: readonly number[] = stage.parents;
    const { line, text } = stage.from;
    if (others.length > 0)
      return { steps, obstacle: `${formatStep({ line, instruction: text })}: only the build knows which stage it is` };
    stage = parent === undefined ? undefined : stages[parent];
  }
  return { steps, obstacle: undefined };
}

function unseenBy([unseen]: readonly Source[]): string | undefined {
  return unseen && `${formatStep(unseen)}: only the build knows which files it takes`;
}

/** @returns a function that says which step brings what another stage made of a path. */
function carriedBy(chain: readonly Step[], stages: readonly Stage[]): (path: string) => string | undefined {
  const bringing = chain
    .filter(({ stages: used }) => used.length > 0)
    .map((step) => {
      const used = step.stages.flatMap((index) => stages[index] ?? []);
      return { step, sources: used.flatMap((stage) => stagesFor(stages, stage)).flatMap(({ sources }) => sources) };
    });
  return (path) => {
    const found = bringing.find(({ sources }) => sources.some(({ pattern }) => !pattern || covers(pattern, path)));
    return found && `${formatStep(found.step)} takes what another stage makes of it`;
  };
}

function linkedBy(path: string, linked: readonly Source[], disk: Disk): string | undefined {
  const source = linked.find(({ pattern }) => pattern && covers(pattern, path));
  if (source) return `${formatStep(source)}: a symbolic link is on its way`;
  const link = disk.linkOn(path);
  return link === undefined ? undefined : `${link} is a symbolic link, which only a build copies as one`;
}

function takes({ sources }: Step, path: string): boolean {
  return sources.some(({ pattern }) => pattern && covers(pattern, path));
}

function usedBy(chain: readonly Step[], first: number, user: number): string {
  const [taken, run] = [chain[first], chain[user]];
  if (!taken || !run) return 'no COPY of the target stage brings it';
  return taken === run ? `${formatStep(run)} reads it` : `${formatStep(run)} runs after ${formatStep(taken)}`;
}

function landAt(
  placed: readonly PlacedFile[] | string,
  rivalOf: (placed: PlacedFile) => string | undefined,
  chain: readonly Step[],
): Landing {
  if (typeof placed === 'string') return { kind: 'rebuild', because: placed };
  for (const each of placed) {
    const obstacle = volumeOver(each.place, chain) ?? rivalOf(each);
    if (obstacle !== undefined) return { kind: 'rebuild', because: obstacle };
  }
  const [first] = placed;
  if (!first) return { kind: 'rebuild', because: 'no COPY of the target stage brings it' };
  return { kind: 'copied', places: placed.map(({ place }) => place), because: formatStep(first.step) };
}

/** What lies in a volume is not what the image has there. */
function volumeOver({ to }: Place, chain: readonly Step[]): string | undefined {
  for (const step of chain) {
    if (step.kind !== 'volume') continue;
    if (step.folders.includes(undefined)) return `${formatStep(step)}: only the build knows which folder that is`;
    if (step.folders.some((folder) => folder !== undefined && isWithin(to, folder)))
      return `${formatStep(step)}: ${to} lies in a volume`;
  }
  return undefined;
}
