import { readdir } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import picomatch from 'picomatch';
import { expandBraces } from '../lib/braces.ts';
import { matchesAny } from '../lib/glob.ts';
import type { YamlPath } from '../lib/yaml.ts';
import { type DeployStep, kustomizationNames } from '../project.ts';
import { kindOf } from '../lib/if-gone.ts';
import { readHelm } from './read-helm.ts';
import { nearestPath, type Reader } from './reader.ts';
import type { EnvironmentInput } from './schema.ts';

type StepInput = NonNullable<EnvironmentInput['deploy']>[number];

export function readDeploy(input: readonly StepInput[], reader: Reader): Promise<readonly DeployStep[]> {
  return Promise.all(input.map((step, index) => readStep(step, ['deploy', index], reader)));
}

async function readStep(input: StepInput, path: YamlPath, reader: Reader): Promise<DeployStep> {
  const { wait = false } = input;
  const at = reader.at(path);
  if ('kustomize' in input)
    return {
      kind: 'kustomize',
      folder: await readKustomization(input.kustomize, path, reader),
      readsAnywhere: input.loadRestrictor === 'none',
      enableHelm: input.enableHelm ?? false,
      wait,
      at,
    };
  if ('helm' in input) return { kind: 'helm', ...(await readHelm(input.helm, [...path, 'helm'], reader)), wait, at };
  const { manifests } = input;
  const globs = await Promise.all(
    typeof manifests === 'string'
      ? [readGlob(manifests, [...path, 'manifests'], reader)]
      : manifests.map((glob, index) => readGlob(glob, [...path, 'manifests', index], reader)),
  );
  return { kind: 'manifests', globs, wait, at };
}

async function readKustomization(text: string, path: YamlPath, reader: Reader): Promise<string> {
  const folder = reader.resolve(text);
  const here = [...path, 'kustomize'];
  if ((await kindOf(folder)) !== 'folder')
    reader.wrong(here, `there is no folder ${reader.show(folder)}`, await nearestPath(folder, reader));
  else if (!(await readdir(folder)).some((name) => kustomizationNames.includes(name)))
    reader.wrong(
      here,
      `${reader.show(folder)} holds no kustomization.yaml`,
      'name the folder of one, or list plain manifests: `manifests: [FOLDER/*.yaml]`',
    );
  return folder;
}

/**
 * One of `{a,b}` that leads nowhere is a slip, and what it brought before would be pruned. A folder that is there may have no
 * match: `*.{yaml,yml}`.
 */
async function checkAlternatives(glob: string, path: YamlPath, reader: Reader): Promise<void> {
  const alternatives = expandBraces(glob);
  if (alternatives.length < 2) return;
  const scanned = alternatives.map((each) => picomatch.scan(each));
  for (const base of new Set(scanned.map((each) => each.base))) {
    const place = reader.resolve(base);
    if ((await kindOf(place)) !== undefined) continue;
    const isFile = scanned.some((each) => each.base === base && each.glob === '');
    const message = `there is no ${isFile ? 'file' : 'folder'} ${reader.show(place)}`;
    reader.wrong(path, message, await nearestPath(place, reader));
  }
}

async function readGlob(text: string, path: YamlPath, reader: Reader): Promise<string> {
  const glob = text.startsWith('~') ? reader.resolve(text) : text.replace(/^(\.\/)+/, '');
  const { glob: pattern, base } = picomatch.scan(glob);
  if (pattern !== '') {
    if (!(await matchesAny(glob, reader.root)))
      reader.wrong(path, `no file matches ${text}`, isAbsolute(glob) ? undefined : `it is relative to ${reader.root}`);
    else await checkAlternatives(glob, path, reader);
    return glob;
  }
  const file = reader.resolve(base);
  const kind = await kindOf(file);
  if (kind === 'folder') reader.wrong(path, `${text} is a folder`, `write ${text.replace(/\/$/, '')}/*.yaml`);
  if (kind === undefined) reader.wrong(path, `there is no file ${text}`, await nearestPath(file, reader));
  return glob;
}
