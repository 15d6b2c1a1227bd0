import { isHeredoc, type Instruction, type ParsedDockerfile } from './parse-dockerfile.ts';
import { parsePattern, type PathPattern } from './path-pattern.ts';
import { expandWord, type Lookup, splitWords, unresolved } from './words.ts';

/** One stage of a Dockerfile: what it takes from the build context and which other stages it builds on. */
export interface Stage {
  readonly index: number;
  /** In small letters; empty when it has none. */
  readonly name: string;
  readonly from: Instruction;
  /** Up to the next FROM. */
  readonly instructions: readonly Instruction[];
  readonly sources: readonly Source[];
  /** Indexes of the stages that it is FROM, copies from or mounts. */
  readonly uses: ReadonlySet<number>;
  /** Whether its FROM pulls an image, so that BuildKit counts it as a step. */
  readonly pulls: boolean;
}

/** What one instruction takes from the context. */
export interface Source {
  readonly line: number;
  readonly instruction: string;
  /** undefined: only the build can say, so the whole context counts. */
  readonly pattern: PathPattern | undefined;
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
  const uses = new Set(base.stages.map(({ index }) => index));
  const args = new Map(others.length === 0 ? parent?.variables.args : []);
  const env = new Map(others.length === 0 ? parent?.variables.env : []);
  const open = base.stages.length === 0 ? !base.scratch : others.length > 0 || parent?.variables.open === true;
  const sources: Source[] = [];
  const lookup: Lookup = (name) => {
    if (env.has(name)) return env.get(name);
    if (args.has(name)) return args.get(name);
    if (predefinedArgs.has(name) && context.given[name] !== undefined) return context.given[name];
    return open ? unresolved : undefined;
  };
  // A base image that brings ONBUILD triggers copies what they say, which only the image knows.
  if (/(:|-)onbuild$/i.test(base.image)) sources.push({ line: from.line, instruction: from.text, pattern: undefined });
  for (const instruction of [...base.stages.flatMap(({ triggers }) => triggers), ...own]) {
    if (instruction.keyword === 'ARG') setArgs(args, instruction, lookup, context);
    else if (instruction.keyword === 'ENV') setEnv(env, instruction, lookup, context.escape);
    else {
      const taken = readTaken(instruction, lookup, context);
      sources.push(...taken.sources);
      for (const index of taken.stages) uses.add(index);
    }
  }
  const triggers = own.flatMap(({ trigger }) => (trigger ? [trigger] : []));
  const index = before.length;
  const variables = { args, env, open };
  const pulls = base.stages.length === 0 && !base.scratch;
  const name = context.names[index] ?? '';
  return { index, name, from, instructions: own, sources, uses, pulls, variables, triggers };
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

interface Taken {
  readonly sources: readonly Source[];
  readonly stages: readonly number[];
}

const nothing: Taken = { sources: [], stages: [] };

function readTaken(instruction: Instruction, lookup: Lookup, context: Context): Taken {
  switch (instruction.keyword) {
    case 'COPY':
    case 'ADD':
      return readCopy(instruction, lookup, context);
    case 'RUN':
      return instruction.flags
        .filter(({ name }) => name === 'mount')
        .map(({ value }) => readMount(value, instruction, lookup, context))
        .reduce((all, next) => join(all, next), nothing);
    default:
      return nothing;
  }
}

function join(one: Taken, other: Taken): Taken {
  return { sources: [...one.sources, ...other.sources], stages: [...one.stages, ...other.stages] };
}

function readCopy(instruction: Instruction, lookup: Lookup, context: Context): Taken {
  const { flags, words, line, text, keyword } = instruction;
  const from = flags.find(({ name }) => name === 'from')?.value;
  if (keyword === 'COPY' && from) return { sources: [], stages: stagesNamed(from, lookup, context) };
  const parents = flags.some(({ name, value }) => name === 'parents' && value !== 'false');
  const sources = words
    .slice(0, -1)
    .filter((word) => !isHeredoc(word) && !(keyword === 'ADD' && isRemote(word)))
    .map((word) => expandWord(word, lookup, context.escape))
    .filter((path) => path === undefined || keyword === 'COPY' || !isRemote(path))
    .map((path) => ({ line, instruction: text, pattern: path === undefined ? path : parsePattern(path, parents) }));
  return { sources, stages: [] };
}

/** What ADD fetches from elsewhere: a URL or a git repository. */
function isRemote(path: string): boolean {
  return /^(https?|ftp|git|ssh):\/\/|^git@/i.test(path);
}

/** https://docs.docker.com/reference/dockerfile/#run---mount */
function readMount(value: string, instruction: Instruction, lookup: Lookup, context: Context): Taken {
  const fields = new Map(
    splitMount(value).map((field) => {
      const at = field.indexOf('=');
      return at < 0 ? [field.toLowerCase(), ''] : [field.slice(0, at).toLowerCase(), field.slice(at + 1)];
    }),
  );
  const from = fields.get('from');
  if (from) return { sources: [], stages: stagesNamed(from, lookup, context) };
  if (!['bind', undefined].includes(fields.get('type')?.toLowerCase())) return nothing;
  const path = expandWord(fields.get('source') ?? fields.get('src') ?? '', lookup, context.escape);
  const pattern = path === undefined ? path : parsePattern(path);
  return { sources: [{ line: instruction.line, instruction: instruction.text, pattern }], stages: [] };
}

/** A mount's fields are one record of CSV, so a field with a comma in it stands in quotes. */
function splitMount(value: string): string[] {
  return [...value.matchAll(/"((?:[^"]|"")*)"|([^,]+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
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
