import { readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { Failure, formatPosition } from '../errors.ts';
import { nearest } from '../lib/nearest.ts';
import type { Build } from '../project.ts';
import { checkDockerfile } from './check-dockerfile.ts';
import { followLinks } from './follow-links.ts';
import { type IgnoreRules, readIgnoreRules } from './ignore-rules.ts';
import { type ParsedDockerfile, parseDockerfile } from './parse-dockerfile.ts';
import { covers, mayCoverBelow } from './path-pattern.ts';
import { createLandings, type Landings } from './landing.ts';
import { findStage, readStages, type Stage, stagesFor } from './stages.ts';
import { type StartCommand, startCommandOf } from './start-command.ts';
import { lineOfStep } from './step-line.ts';
import type { Source } from './steps.ts';
import { isGone } from '../lib/if-gone.ts';

/** What of a build context can reach one build: a Dockerfile, its target and arguments, and the ignore file in force. */
export interface ContextRules extends Landings {
  readonly build: Build;
  /** The Dockerfile's path in the context as it is sent: a reserved name where it lies outside. */
  readonly dockerfile: string;
  readonly dockerfileText: string;
  /** Of the ignore file in force; empty when there is none. */
  readonly ignoreText: string;
  /** Instructions whose sources only the build knows, so that every file counts: for telling once. */
  readonly whole: readonly { readonly line: number; readonly text: string }[];
  /** Absolute: the Dockerfile and every place of an ignore file. A change of one of them means: read again, build again. */
  readonly inputs: readonly string[];
  /** @param path relative to the context, `/` separated. */
  reach(path: string): Reach;
  /** @returns whether an instruction can take the path, whatever else it is: the Dockerfile itself may be copied too. */
  carries(path: string): boolean;
  /** @returns false when nothing below the folder can reach the build; `''` is the context itself. */
  mayReachBelow(folder: string): boolean;
  /** How the target's image starts, as far as the Dockerfile says it. */
  readonly start: StartCommand;
  /** What the ignore file leaves out. */
  readonly ignore: IgnoreRules;
  /** @returns the Dockerfile line of a step that BuildKit names (`[build 4/6] RUN go build`). */
  lineOf(step: string): number | undefined;
}

type Reach =
  | { readonly kind: 'dockerfile' }
  | { readonly kind: 'ignoreFile' }
  /** `rule`: the line of the ignore file. */
  | { readonly kind: 'ignored'; readonly rule: string }
  | { readonly kind: 'unreached' }
  /** The first instruction of the Dockerfile that takes it. */
  | { readonly kind: 'reached'; readonly line: number; readonly instruction: string };

const outsideName = '.stormctl.Dockerfile';

/**
 * Reads a Dockerfile and its ignore file (`<Dockerfile>.dockerignore`, else `.dockerignore` of the context), and the
 * symbolic links that its sources go through.
 *
 * @throws Failure `usage`: the context or the Dockerfile is missing, has a mistake that can be seen, or lacks the target.
 */
export async function readContext(build: Build): Promise<ContextRules> {
  const { context, dockerfile } = build;
  await requireFolder(context);
  const dockerfileText = await requireDockerfile(dockerfile);
  const parsed = parseDockerfile(dockerfileText);
  checkDockerfile(parsed, dockerfile);
  const stages = readStages(parsed, build.args);
  const target = requireTarget(stages, build);
  const sources = stagesFor(stages, target).flatMap((stage) => stage.sources);
  if (hasForeignSyntax(parsed)) sources.push({ line: 1, instruction: `# syntax=${parsed.syntax}`, pattern: undefined });
  const ignore = await readIgnore(context, dockerfile);
  const linked = await linkedSources(sources, context);
  const unseen = sources.filter(({ pattern }) => !pattern);
  return {
    build,
    dockerfileText,
    ignoreText: ignore.text,
    whole: unseen.map(({ line, instruction }) => ({ line, text: instruction })),
    inputs: [dockerfile, ...ignore.candidates],
    lineOf: (step) => lineOfStep(stages, step),
    ...reachOf([...sources, ...linked], ignore, build),
    start: startCommandOf(stages, target),
    ignore: ignore.rules,
    ...createLandings({
      stages,
      target,
      unseen,
      linked,
      root: context,
      isIgnored: (path) => ignore.rules.ruleFor(path) !== undefined,
    }),
  };
}

type ReachRules = Pick<ContextRules, 'dockerfile' | 'reach' | 'carries' | 'mayReachBelow'>;

function reachOf(sources: readonly Source[], ignore: Ignore, { context, dockerfile }: Build): ReachRules {
  const inside = pathInside(context, dockerfile);
  const ignoreFiles = ignore.inForce.flatMap((file) => pathInside(context, file) ?? []);
  const special = [...(inside === undefined ? [] : [inside]), ...ignoreFiles];
  const sourceOf = (path: string) => sources.find(({ pattern }) => !pattern || covers(pattern, path));
  return {
    dockerfile: inside ?? outsideName,
    reach: (path) => {
      if (path === inside) return { kind: 'dockerfile' };
      if (ignoreFiles.includes(path)) return { kind: 'ignoreFile' };
      const rule = ignore.rules.ruleFor(path);
      if (rule !== undefined) return { kind: 'ignored', rule };
      const source = sourceOf(path);
      if (!source) return { kind: 'unreached' };
      return { kind: 'reached', line: source.line, instruction: source.instruction };
    },
    carries: (path) => ignore.rules.ruleFor(path) === undefined && sourceOf(path) !== undefined,
    mayReachBelow: (folder) =>
      special.some((path) => folder === '' || path.startsWith(`${folder}/`)) ||
      (!ignore.rules.leavesOutAllBelow(folder) &&
        sources.some(({ pattern }) => !pattern || mayCoverBelow(pattern, folder))),
  };
}

interface Ignore {
  readonly text: string;
  readonly rules: IgnoreRules;
  /** Every place where an ignore file counts. */
  readonly candidates: readonly string[];
  /** Those whose appearance, change or disappearance matters now: one that is overruled is a file like any other. */
  readonly inForce: readonly string[];
}

async function readIgnore(context: string, dockerfile: string): Promise<Ignore> {
  const own = `${dockerfile}.dockerignore`;
  const shared = join(context, '.dockerignore');
  const candidates = [own, shared];
  const ownText = await readOptional(own);
  if (ownText !== undefined) return { text: ownText, rules: readIgnoreRules(ownText, own), candidates, inForce: [own] };
  const text = (await readOptional(shared)) ?? '';
  return { text, rules: readIgnoreRules(text, shared), candidates, inForce: candidates };
}

async function linkedSources(sources: readonly Source[], context: string): Promise<readonly Source[]> {
  const linked = await Promise.all(
    sources.map(async ({ line, instruction, pattern }) => {
      const beyond = pattern ? await followLinks(context, pattern) : [];
      return beyond.map((each) => ({ line, instruction, pattern: each }));
    }),
  );
  return linked.flat();
}

/** A frontend that is not Dockerfile's may read anything. https://docs.docker.com/build/buildkit/frontend/ */
function hasForeignSyntax({ syntax }: ParsedDockerfile): boolean {
  return syntax !== undefined && !/(^|\/)dockerfile(-upstream)?([:@]|$)/.test(syntax);
}

async function requireFolder(context: string): Promise<void> {
  const stats = await stat(context).catch((cause: NodeJS.ErrnoException) => {
    throw new Failure('usage', `can't read the build context: ${cause.code ?? cause.message}`, {
      where: context,
      next: 'create the folder, or name the right one with build.context',
      cause,
    });
  });
  if (stats.isDirectory()) return;
  throw new Failure('usage', 'the build context is not a folder', {
    where: context,
    next: 'name the folder with build.context',
  });
}

async function requireDockerfile(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new Failure('usage', isGone(cause) ? 'there is no Dockerfile' : `can't read the Dockerfile: ${cause.code}`, {
      where: file,
      next: 'write it, or name the right one with build.dockerfile (relative to the build context)',
      cause,
    });
  });
}

async function readOptional(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (isGone(cause)) return undefined;
    throw new Failure('usage', `can't read the ignore file: ${cause.code ?? cause.message}`, { where: file, cause });
  });
}

function requireTarget(stages: readonly Stage[], { target, dockerfile }: Build): Stage {
  const stage = findStage(stages, target);
  if (stage) return stage;
  const names = stages.map(({ name }) => name).filter((name) => name !== '');
  const near = nearest(target ?? '', names);
  const known = names.length > 0 ? `its stages are: ${names.join(', ')}` : 'none of its stages has a name';
  throw new Failure('usage', `the Dockerfile has no stage ${target}`, {
    where: formatPosition({ file: dockerfile, line: stages[0]?.from.line ?? 1, column: stages[0]?.from.column ?? 1 }),
    next: near === undefined ? known : `did you mean ${near}?`,
  });
}

/** @returns the path relative to the context, `/` separated; undefined when the file lies outside. */
function pathInside(context: string, file: string): string | undefined {
  const path = relative(context, file);
  if (path === '' || path === '..' || path.startsWith(`..${sep}`)) return undefined;
  return sep === '/' ? path : path.split(sep).join('/');
}
