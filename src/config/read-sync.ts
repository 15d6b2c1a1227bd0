import { posix } from 'node:path';
import picomatch from 'picomatch';
import { fixedPart } from '../lib/glob.ts';
import type { YamlPath } from '../lib/yaml.ts';
import type { Service, SyncRule } from '../project.ts';
import type { Reader } from './reader.ts';
import type { ServiceInput } from './schema.ts';

type SyncInput = NonNullable<ServiceInput['sync']>;
type RuleInput = Exclude<SyncInput[number], string>;

/** Wherever `auto` stands in the list, the rules go first. */
export function readSync(input: SyncInput, path: YamlPath, reader: Reader): Pick<Service, 'sync' | 'autoSync'> {
  if (input === 'auto') return { sync: [], autoSync: true };
  return {
    sync: input.flatMap((each, index) => (each === 'auto' ? [] : [readRule(each, [...path, index], reader)])),
    autoSync: input.includes('auto'),
  };
}

function readRule({ from, to, base }: RuleInput, path: YamlPath, reader: Reader): SyncRule {
  const glob = from.replace(/^(\.\/)+/, '');
  const fault = faultOf(glob);
  if (fault !== undefined) reader.wrong([...path, 'from'], fault);
  const fixed = fixedPart(glob);
  const given = base === undefined ? fixed : folderOf(base);
  if (base !== undefined && !isWithin(fixed, given)) {
    const message = `${from} does not lie in ${base}`;
    reader.wrong([...path, 'base'], message, `name a folder that holds it, like ${fixed === '' ? '.' : fixed}`);
  }
  return { from: glob, base: given, to: to === '/' ? to : to.replace(/\/+$/, ''), at: reader.at(path) };
}

function faultOf(glob: string): string | undefined {
  if (glob === '') return 'expected a glob, like src/**/*.ts';
  if (glob.startsWith('/') || glob.startsWith('~')) return 'expected a glob that is relative to the build context';
  if (glob.split('/').includes('..'))
    return 'a rule can only take files of the build context, so `..` has no place here';
  if (glob.startsWith('!')) return 'a rule says what is synced, not what is left out';
  try {
    picomatch.makeRe(glob, { strictBrackets: true });
    return undefined;
  } catch (error) {
    return `${glob} is no glob: ${(error as Error).message}`;
  }
}

/** @returns the folder as `fixedPart` writes one: no `./`, no slash at its end, the empty text for the context itself. */
function folderOf(text: string): string {
  const folder = posix.normalize(text).replace(/\/$/, '');
  return folder === '.' ? '' : folder;
}

function isWithin(path: string, folder: string): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`);
}
