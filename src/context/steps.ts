import { posix } from 'node:path';
import { isHeredoc, type Instruction } from './parse-dockerfile.ts';
import { parsePattern, type PathPattern } from './path-pattern.ts';

/** What one instruction takes from the context. */
export interface Source {
  readonly line: number;
  readonly instruction: string;
  /** undefined: only the build can say, so the whole context counts. */
  readonly pattern: PathPattern | undefined;
}

interface StepFacts {
  readonly line: number;
  /** As a person would quote it. */
  readonly instruction: string;
  readonly sources: readonly Source[];
  /** Indexes of the stages that it copies from or mounts: all where only the build can say. */
  readonly stages: readonly number[];
}

/** What an instruction does to the files of its stage. */
export type Step =
  | (StepFacts & { readonly kind: 'run' })
  | CopyStep
  /** It makes the folder; undefined where only the build knows its path. */
  | (StepFacts & { readonly kind: 'folder'; readonly folder: string | undefined })
  | (StepFacts & { readonly kind: 'volume'; readonly folders: readonly (string | undefined)[] });

export interface CopyStep extends StepFacts {
  readonly kind: 'copy';
  readonly sources: readonly CopySource[];
  /** Absolute, without a slash at its end; undefined where only the build knows it. */
  readonly to: string | undefined;
  /** Whether it is written as a folder. */
  readonly isFolder: boolean;
  /** Whether it brings files that are not of the context: of a stage, an image, a URL or a heredoc. */
  readonly bringsOthers: boolean;
  readonly flags: CopyFlags;
}

interface CopyFlags {
  readonly parents: boolean;
  readonly exclude: boolean;
  /** ADD: an archive that is named is unpacked. */
  readonly unpacks: boolean;
  /** The mode of `--chmod`; undefined without one, NaN where it is no octal number. */
  readonly chmod: number | undefined;
}

export interface CopySource extends Source {
  /** With `--parents`: the folder whose name is dropped from the paths, which `/./` marks. */
  readonly pivot: string;
}

interface StepContext {
  /** @returns undefined where only the build knows the text. */
  readonly expand: (word: string) => string | undefined;
  /** @returns the stages that a `from` may mean: none for an image, all where only the build can say. */
  readonly stagesOf: (from: string) => readonly number[];
  /** The WORKDIR in force; undefined where only the build knows it. */
  readonly folder: string | undefined;
}

/** Of a line that is longer than a reason may be, its beginning. */
const mostQuoted = 80;

/** @returns `Dockerfile:7 COPY src ./src`, as reasons name a line. */
export function formatStep({ line, instruction }: Pick<StepFacts, 'line' | 'instruction'>): string {
  const quoted = instruction.length > mostQuoted ? `${instruction.slice(0, mostQuoted - 1)}…` : instruction;
  return `Dockerfile:${line} ${quoted}`;
}

/** @returns the step that an instruction is, its words expanded; none for one that leaves files alone. */
export function readStep(instruction: Instruction, context: StepContext): readonly Step[] {
  const { line, text, keyword, words } = instruction;
  const facts = { line, instruction: text, sources: [], stages: [] };
  switch (keyword) {
    case 'COPY':
    case 'ADD':
      return [readCopy(instruction, context)];
    case 'RUN':
      return [readRun(instruction, context)];
    case 'WORKDIR':
      return [{ ...facts, kind: 'folder', folder: context.folder }];
    case 'VOLUME':
      return [{ ...facts, kind: 'volume', folders: words.map((word) => joinFolder('/', context.expand(word))) }];
    default:
      return [];
  }
}

/** @returns a path of the image as WORKDIR and COPY mean it: relative to the folder unless it is absolute. */
export function joinFolder(folder: string | undefined, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  if (folder === undefined && !path.startsWith('/')) return undefined;
  return posix.resolve('/', folder ?? '', path);
}

function readCopy(instruction: Instruction, { expand, stagesOf, folder }: StepContext): Step {
  const { flags, words, line, text, keyword } = instruction;
  const isOn = (flag: string) => flags.some(({ name, value }) => name === flag && value !== 'false');
  const parents = isOn('parents');
  const from = keyword === 'COPY' ? flags.find(({ name }) => name === 'from')?.value : undefined;
  const named = words.slice(0, -1).map((word) => ({ word, path: isHeredoc(word) ? undefined : expand(word) }));
  const isForeign = ({ word, path }: (typeof named)[number]) =>
    isHeredoc(word) || (keyword === 'ADD' && (isRemote(word) || isRemote(path ?? '')));
  const own = from ? [] : named.filter((each) => !isForeign(each));
  const to = expand(words.at(-1) ?? '');
  const chmod = flags.find(({ name }) => name === 'chmod');
  return {
    kind: 'copy',
    line,
    instruction: text,
    sources: own.map(({ path }) => ({
      line,
      instruction: text,
      pattern: path === undefined ? path : parsePattern(path, parents),
      pivot: parents ? pivotOf(path ?? '') : '',
    })),
    stages: from ? stagesOf(from) : [],
    to: joinFolder(folder, to),
    isFolder: to !== undefined && /(^|\/)\.{0,2}$/.test(to),
    bringsOthers: from !== undefined || named.some(isForeign),
    flags: {
      parents,
      exclude: flags.some(({ name }) => name === 'exclude'),
      unpacks: keyword === 'ADD',
      chmod: chmod && readMode(expand(chmod.value)),
    },
  };
}

function readMode(text: string | undefined): number {
  return text !== undefined && /^[0-7]{1,5}$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
}

/** https://docs.docker.com/reference/dockerfile/#copy---parents */
function pivotOf(source: string): string {
  const at = source.indexOf('/./');
  return at < 0 ? '' : posix.resolve('/', source.slice(0, at)).slice(1);
}

/** What ADD fetches from elsewhere: a URL or a git repository. */
function isRemote(path: string): boolean {
  return /^(https?|ftp|git|ssh):\/\/|^git@/i.test(path);
}

function readRun(instruction: Instruction, context: StepContext): Step {
  const mounts = instruction.flags
    .filter(({ name }) => name === 'mount')
    .map(({ value }) => readMount(value, instruction, context));
  return {
    kind: 'run',
    line: instruction.line,
    instruction: instruction.text,
    sources: mounts.flatMap(({ sources }) => sources),
    stages: mounts.flatMap(({ stages }) => stages),
  };
}

/** https://docs.docker.com/reference/dockerfile/#run---mount */
function readMount(
  value: string,
  { line, text }: Instruction,
  { expand, stagesOf }: StepContext,
): Pick<StepFacts, 'sources' | 'stages'> {
  const fields = new Map(
    splitMount(value).map((field) => {
      const at = field.indexOf('=');
      return at < 0 ? [field.toLowerCase(), ''] : [field.slice(0, at).toLowerCase(), field.slice(at + 1)];
    }),
  );
  const from = fields.get('from');
  if (from) return { sources: [], stages: stagesOf(from) };
  if (!['bind', undefined].includes(fields.get('type')?.toLowerCase())) return { sources: [], stages: [] };
  const path = expand(fields.get('source') ?? fields.get('src') ?? '');
  const pattern = path === undefined ? path : parsePattern(path);
  return { sources: [{ line, instruction: text, pattern }], stages: [] };
}

/** A mount's fields are one record of CSV, so a field with a comma in it stands in quotes. */
function splitMount(value: string): string[] {
  return [...value.matchAll(/"((?:[^"]|"")*)"|([^,]+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}
