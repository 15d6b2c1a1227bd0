import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { configName } from '../config/find-config.ts';
import { configJsonSchema } from '../config/schema.ts';
import { Failure } from '../errors.ts';
import { makeStateFolder, stateFolderOf } from '../lib/state-folder.ts';
import { discover, type Discovered } from './discover.ts';
import { writeConfig } from './write-config.ts';

export interface InitOptions {
  /** false: only say what would be written. */
  readonly write: boolean;
  /** Replaces a config that is there. */
  readonly force: boolean;
}

export interface InitResult {
  readonly text: string;
  /** Absolute. */
  readonly file: string;
  /** What was found, in words. */
  readonly found: string;
  /** Dockerfiles whose image no manifest seems to use: no service was written for them. */
  readonly unmatched: readonly string[];
}

/**
 * Writes a stormctl.yaml for the tree below `root`, and `.stormctl/schema.json` for editors.
 *
 * @throws Failure `usage` when there is one already and `force` is not given.
 */
export async function initProject(root: string, { write, force }: InitOptions): Promise<InitResult> {
  const discovered = await discover(root);
  const text = await writeConfig(discovered);
  const file = join(root, configName);
  if (write) {
    await writeNew(file, text, force);
    await writeSchema(stateFolderOf(root));
  }
  return { text, file, found: inWords(discovered), unmatched: discovered.unmatched };
}

async function writeNew(file: string, text: string, force: boolean): Promise<void> {
  try {
    await writeFile(file, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new Failure('usage', `there is a ${configName} already`, {
      where: file,
      next: 'show what would be written with --print, or replace it with --force',
      cause: error,
    });
  }
}

async function writeSchema(folder: string): Promise<void> {
  await makeStateFolder(folder);
  await writeFile(join(folder, 'schema.json'), `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
}

function inWords({ services, kustomize, manifests, charts, environments, others }: Discovered): string {
  const parts = [services.length === 1 ? '1 service' : `${services.length} services`];
  if (kustomize !== undefined) parts.push(`the kustomization ${kustomize}`);
  else if (manifests.length > 0) parts.push(`the manifests ${manifests.join(' ')}`);
  else if (charts.length === 0) parts.push('no manifests');
  if (charts.length > 0) parts.push(`the ${charts.length === 1 ? 'chart' : 'charts'} ${charts.join(' ')}`);
  if (environments.size > 0) parts.push(`-e ${[...environments.keys()].join('|')}`);
  if (others.length > 0) parts.push(`left out: ${others.map(({ folder }) => folder).join(' ')}`);
  return parts.join(', ');
}
