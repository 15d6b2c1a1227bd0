import { readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { Failure } from '../errors.ts';
import { kindOf } from '../lib/if-gone.ts';

export const configName = 'stormctl.yaml';

/**
 * @returns the absolute config file: the one given, else the nearest `stormctl.yaml` at `cwd` or above.
 * @throws Failure `usage` when there is none.
 */
export async function findConfig(file: string | undefined, cwd: string): Promise<string> {
  if (file !== undefined) return findGiven(resolve(cwd, file), file);
  const nearest = await findNearestConfig(cwd);
  if (nearest !== undefined) return nearest;
  throw new Failure('usage', `there is no ${configName} here or in a folder above`, {
    where: cwd,
    next: 'write one with `stormctl init`, or name one with --file',
  });
}

/** @returns the nearest `stormctl.yaml` at `cwd` or above, absolute; undefined when there is none. */
export async function findNearestConfig(cwd: string): Promise<string | undefined> {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const candidate = join(folder, configName);
    if ((await kindOf(candidate)) === 'file') return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

async function findGiven(absolute: string, given: string): Promise<string> {
  const kind = await kindOf(absolute);
  if (kind === 'file') return absolute;
  const inside = join(absolute, configName);
  if (kind === 'folder' && (await kindOf(inside)) === 'file') return inside;
  const message = kind === 'folder' ? `the folder ${given} holds no ${configName}` : `there is no file ${given}`;
  throw new Failure('usage', message, { next: 'write one with `stormctl init`, or name another with --file' });
}

/** @throws Failure `usage` when the file can't be read. */
export async function readConfigText(file: string, cwd: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new Failure('usage', `can't read the config: ${(error as Error).message}`, {
      where: relative(cwd, file),
      cause: error,
    });
  }
}
