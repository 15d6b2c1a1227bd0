import type { Instruction, ParsedDockerfile } from './parse-dockerfile.ts';
import { joinFolder, readStep, type Source, type Step } from './steps.ts';
import { expandWord, type Lookup, splitWords, unresolved } from './words.ts';

/** One stage of a Dockerfile: what it takes from the build context and which other stages it builds on. */
export interface Stage {
  readonly index: number;
  /** In small letters; empty when it has none. */
  readonly name: string;
  readonly from: Instruction;
  /** Up to the next FROM. */
  readonly instructions: readonly Instruction[];
  /** What it does to files, in order; the ONBUILD triggers of the stage that it is FROM go first. */
  readonly steps: readonly Step[];
  readonly sources: readonly Source[];
  /** Indexes of the stages that its FROM may mean: none for an image, several where only the build can say. */
  readonly parents: readonly number[];
  /** Indexes of the stages that it is FROM, copies from or mounts. */
  readonly uses: ReadonlySet<number>;
  /** Whether its FROM pulls an image, so that BuildKit counts it as a step. */
  readonly pulls: boolean;
}

/** Predefined by BuildKit: set in the build without an ARG when they are given. */
const predefinedArgs = new Set(
  ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'].flatMap((name) => [name, name.toLowerCase()]),
);
const platformArgs = new Set(
  ['TARGET', 'BUILD'].flatMap((side) => ['PLATFORM', 'OS', 'ARCH', 'VARIANT'].map((fact) => side + fact)),
);

interface State extends Stage {
  /** What ARG and ENV have set at its end; ENV wins over ARG. */
  readonly variables: Variables;
  readonly triggers: readonly Instruction[];
  /** Its WORKDIR at its end; undefined where only an image says it. */
  readonly folder: string | undefined;
}

interface Variables {
  readonly args: ReadonlyMap<string, Value>;
  readonly env: ReadonlyMap<string, Value>;
  /** Whether an image that is not built here is below it, whose own ENV is not known. */
  readonly open: boolean;
}

type Value = ReturnType<Lookup>;

interface Context {
  readonly escape: string;
  /** The build arguments that the user gives. */
  readonly given: Readonly<Record<string, string>>;
  readonly globals: Lookup;
  /** Every stage's name, so that a COPY can name a later one too. */
  readonly names: readonly string[];
}

/**
 * Reads what every stage takes, with ARG and ENV followed as BuildKit does (dockerfile2llb): global ARGs for FROM, a
 * stage's ARGs and ENVs handed down to the stages that are FROM it, build arguments over defaults. What an external
 * image sets is not known here, so a variable that only it can set leaves the instruction unresolved.
 */
export function readStages(file: ParsedDockerfile, given: Readonly<Record<string, string>>): readonly Stage[] {
  const first = file.instructions.findIndex(({ keyword }) => keyword === 'FROM');
  if (first < 0) return [];
  const { escape } = file;
  const globals = readGlobals(file.instructions.slice(0, first), given, escape);
  const groups = groupByFrom(file.instructions.slice(first));
  const names = groups.map(([from]) => (/^as$/i.test(from.words[1] ?? '') ? (from.words[2] ?? '').toLowerCase() : ''));
  const context: Context = { escape, given, globals, names };
  const states: State[] = [];
  for (const [from, instructions] of groups) states.push(readStage(from, instructions, states, context));
  return states;
}

function groupByFrom(instructions: readonly Instruction[]): [Instruction, Instruction[]][] {
  const groups: [Instruction, Instruction[]][] = [];
  for (const instruction of instructions) {
    if (instruction.keyword === 'FROM') groups.push([instruction, []]);
    else groups.at(-1)?.[1].push(instruction);
  }
  return groups;
}

function readGlobals(instructions: readonly Instruction[], given: Context['given'], escape: string): Lookup {
  const values = new Map<string, Value>();
  const lookup: Lookup = (name) =>
    values.has(name) ? values.get(name) : platformArgs.has(name) ? (given[name] ?? unresolved) : undefined;
  for (const { rest } of instructions.filter(({ keyword }) => keyword === 'ARG')) {
    for (const [name, value] of readPairs(rest, escape)) {
      values.set(name, given[name] ?? (value === undefined ? lookup(name) : expand(value, lookup, escape)));
    }
  }
  return lookup;
}

function readStage(from: Instruction, own: readonly Instruction[], before: readonly State[], context: Context): State {
  const base = readBase(from, before, context);
  const [parent, ...others] = base.stages;
  const args = new Map(others.length === 0 ? parent?.variables.args : []);
  const env = new Map(others.length === 0 ? parent?.variables.env : []);
  const open = base.stages.length === 0 ? !base.scratch : others.length > 0 || parent?.variables.open === true;
  const lookup: Lookup = (name) => {
    if (env.has(name)) return env.get(name);
    if (args.has(name)) return args.get(name);
    if (predefinedArgs.has(name) && context.given[name] !== undefined) return context.given[name];
    return open ? unresolved : undefined;
  };
  const expandIn = (word: string) => expandWord(word, lookup, context.escape);
  const stagesOf = (name: string) => stagesNamed(name, lookup, context);
  const steps: Step[] = [];
  let folder = base.scratch ? '/' : others.length === 0 ? parent?.folder : undefined;
  for (const instruction of [...base.stages.flatMap(({ triggers }) => triggers), ...own]) {
    const { keyword, rest } = instruction;
    if (keyword === 'ARG') setArgs(args, instruction, lookup, context);
    else if (keyword === 'ENV') setEnv(env, instruction, lookup, context.escape);
    else if (keyword === 'WORKDIR') folder = joinFolder(folder, expandIn(rest));
    steps.push(...readStep(instruction, { expand: expandIn, stagesOf, folder }));
  }
  // A base image that brings ONBUILD triggers copies what they say, which only the image knows.
  const unseen = /(:|-)onbuild$/i.test(base.image)
    ? [{ line: from.line, instruction: from.text, pattern: undefined }]
    : [];
  const index = before.length;
  return {
    index,
    name: context.names[index] ?? '',
    from,
    instructions: own,
    steps,
    sources: [...unseen, ...steps.flatMap(({ sources }) => sources)],
    parents: base.stages.map((stage) => stage.index),
    uses: new Set([...base.stages.map((stage) => stage.index), ...steps.flatMap(({ stages }) => stages)]),
    pulls: base.stages.length === 0 && !base.scratch,
    variables: { args, env, open },
    triggers: own.flatMap(({ trigger }) => (trigger ? [trigger] : [])),
    folder,
  };
}

interface Base {
  /** The stages that FROM may mean: all before it where the name can't be resolved. */
  readonly stages: readonly State[];
  readonly image: string;
  readonly scratch: boolean;
}

function readBase(from: Instruction, before: readonly State[], { globals, escape }: Context): Base {
  const image = expandWord(from.words[0] ?? '', globals, escape);
  if (image === undefined) return { stages: before, image: '', scratch: false };
  const stage = before.findLast(({ name }) => name !== '' && name === image.toLowerCase());
  return { stages: stage ? [stage] : [], image, scratch: image === 'scratch' };
}

function setArgs(args: Map<string, Value>, { rest }: Instruction, lookup: Lookup, context: Context): void {
  for (const [name, value] of readPairs(rest, context.escape)) {
    const fallback = value === undefined ? context.globals(name) : expand(value, lookup, context.escape);
    args.set(name, context.given[name] ?? fallback);
  }
}

function setEnv(env: Map<string, Value>, { rest }: Instruction, lookup: Lookup, escape: string): void {
  const [first = ''] = splitWords(rest, escape);
  const pairs: Iterable<readonly [string, string | undefined]> = first.includes('=')
    ? readPairs(rest, escape)
    : [[first, rest.slice(first.length).trim()]];
  // One instruction sees the variables as they were before it.
  const values = [...pairs].map(([name, value]) => [name, expand(value ?? '', lookup, escape)] as const);
  for (const [name, value] of values) env.set(name, value);
}

function* readPairs(text: string, escape: string): Generator<readonly [string, string | undefined]> {
  for (const word of splitWords(text, escape)) {
    const at = word.indexOf('=');
    yield at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
  }
}

function expand(text: string, lookup: Lookup, escape: string): Value {
  return expandWord(text, lookup, escape) ?? unresolved;
}

/** @returns the stages that a `from` may mean: none for an image, all where only the build can say. */
function stagesNamed(from: string, lookup: Lookup, { names, globals, escape }: Context): readonly number[] {
  const name = expandWord(
    from,
    (variable) => (lookup(variable) === undefined ? globals(variable) : lookup(variable)),
    escape,
  );
  if (name === undefined) return names.map((_, index) => index);
  const index = /^\d+$/.test(name) ? Number(name) : names.lastIndexOf(name.toLowerCase());
  return name !== '' && index >= 0 && index < names.length ? [index] : [];
}

/** @returns the stage itself and every stage that its build needs, in the order of the file. */
export function stagesFor(stages: readonly Stage[], target: Stage): readonly Stage[] {
  const needed = new Set([target.index]);
  for (const index of needed) for (const used of stages[index]?.uses ?? []) needed.add(used);
  return stages.filter(({ index }) => needed.has(index));
}

/** @returns the stage that `target` names, by name or index; the last without a target; undefined when there is none such. */
export function findStage(stages: readonly Stage[], target: string | undefined): Stage | undefined {
  if (target === undefined) return stages.at(-1);
  const wanted = target.toLowerCase();
  return stages.findLast(({ name }) => name === wanted) ?? (/^\d+$/.test(target) ? stages[Number(target)] : undefined);
}
