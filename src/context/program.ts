import { posix } from 'node:path';
import { splitWords } from './words.ts';

/** A program that loads its files once, when it starts: what is saved later runs when it is started again. */
export interface Program {
  /** As a person calls it: `node`. */
  readonly name: string;
  /** The names of the files that it loads. */
  readonly loads: RegExp;
}

const script = /\.([cm]?[jt]sx?|json)$/;
const python = /\.py$/;
const ruby = /\.rb$/;

/** What each loads, and by which words it, or what it starts, notices a saved file by itself. */
const programs: Readonly<
  Record<string, { readonly loads: RegExp; readonly watches?: RegExp; readonly only?: string }>
> = {
  node: { loads: script, watches: /^--watch/ },
  bun: { loads: script, watches: /^--(watch|hot)/ },
  deno: { loads: script, watches: /^--(watch|unstable-hmr)/ },
  'ts-node': { loads: script },
  tsx: { loads: script, watches: /^(watch|--watch)$/ },
  nest: { loads: script, watches: /^(-w|--watch)$/, only: 'start' },
  next: { loads: script, only: 'start' },
  python: { loads: python, watches: /^(--reload|--debug|runserver|watchfiles|watchmedo|hupper)$/ },
  uvicorn: { loads: python, watches: /^--reload/ },
  gunicorn: { loads: python, watches: /^--reload/ },
  hypercorn: { loads: python, watches: /^--reload/ },
  fastapi: { loads: python, only: 'run' },
  flask: { loads: python, watches: /^(--reload|--debug)$/, only: 'run' },
  celery: { loads: python },
  ruby: { loads: ruby },
  puma: { loads: ruby },
};

/** What starts the rest of its words, after options of its own. */
const wrappers = new Set([
  'tini',
  'dumb-init',
  'docker-entrypoint.sh',
  'env',
  'exec',
  'npx',
  'catatonit',
  'cross-env',
  'bundle',
  'poetry',
  'uv',
]);

const runners = new Set(['npm', 'yarn', 'pnpm']);

/**
 * @param argv as a container runs it, a shell's words included.
 * @param scripts of the package.json that npm would read; undefined: there is none that can be read.
 * @returns what it starts, where that is known to load its files once; undefined: it watches them, or nothing is known.
 */
export function findProgram(
  argv: readonly string[],
  scripts: Readonly<Record<string, string>> | undefined,
): Program | undefined {
  return follow(argv, scripts, 0);
}

/** Scripts may call one another in a circle. */
const maxDepth = 8;

function follow(
  argv: readonly string[],
  scripts: Parameters<typeof findProgram>[1],
  depth: number,
): Program | undefined {
  const [first, ...rest] = argv;
  if (first === undefined || depth > maxDepth) return undefined;
  const again = (words: readonly string[]) => follow(words, scripts, depth + 1);
  const name = posix.basename(first);
  if (/^[A-Za-z_]\w*=/.test(first)) return again(rest);
  if (/^(ba|da|a)?sh$/.test(name))
    return rest[0]?.endsWith('c') && rest[1] !== undefined ? again(lastCommand(rest[1])) : undefined;
  if (wrappers.has(name)) return again(afterOptions(rest));
  if (runners.has(name)) return again(ofRunner(name, rest, scripts));
  const program = /^python[\d.]*$/.test(name) ? 'python' : name;
  const tool = program === 'node' ? rest.find((word) => !word.startsWith('-')) : undefined;
  // `node node_modules/.bin/nodemon src/server.js`
  if (tool !== undefined && tool.includes('node_modules/'))
    return again([posix.basename(tool).replace(/\.[cm]?js$/, ''), ...rest.slice(rest.indexOf(tool) + 1)]);
  const known = Object.hasOwn(programs, program) ? programs[program] : undefined;
  if (!known || rest.length === 0 || rest.some((word) => known.watches?.test(word))) return undefined;
  if (known.only !== undefined && !rest.includes(known.only)) return undefined;
  return { name: program, loads: known.loads };
}

/** What a shell is left with: `npm run migrate && exec node server.js`. */
function lastCommand(line: string): readonly string[] {
  const last = line.split(/&&|\|\||;|\n/).findLast((part) => part.trim() !== '') ?? '';
  return splitWords(last, '\\').map((word) => word.replaceAll(/^["']|["']$/g, ''));
}

function afterOptions(words: readonly string[]): readonly string[] {
  const at = words.findIndex((word) => !word.startsWith('-') && word !== 'exec' && word !== 'run');
  return at < 0 ? [] : words.slice(at);
}

function ofRunner(
  runner: string,
  words: readonly string[],
  scripts: Readonly<Record<string, string>> | undefined,
): readonly string[] {
  const [command, ...rest] = words.filter((word) => !word.startsWith('-'));
  if (command === undefined) return [];
  if (command === 'exec') return afterOptions(words.slice(words.indexOf(command) + 1));
  const name = command === 'run' || command === 'run-script' ? rest[0] : command;
  const found = name === undefined || !scripts || !Object.hasOwn(scripts, name) ? undefined : scripts[name];
  if (found !== undefined) return ['sh', '-c', found];
  // https://docs.npmjs.com/cli/commands/npm-start: what it runs where package.json does not say.
  if (name === 'start' && scripts) return ['node', 'server.js'];
  return runner === 'npm' || command === 'run' ? [] : words.slice(words.indexOf(command));
}
