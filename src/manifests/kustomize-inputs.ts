import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseManifestYaml } from '../lib/yaml.ts';
import { kustomizationNames } from '../project.ts';

/** Fields whose entries are files, kustomizations or, some of them, inline YAML. */
const pathFields = [
  'resources',
  'bases',
  'components',
  'crds',
  'configurations',
  'generators',
  'transformers',
  'validators',
  'patchesStrategicMerge',
];

/**
 * What a kustomization reads, for the watcher: every kustomization file on the way down and every file that one names,
 * there or not (one that is missing now is an input too). Remote bases are left out. A kustomization file that can't
 * be parsed counts, and what it would have named does not: its own error is kustomize's to tell.
 *
 * @returns absolute files, each once.
 */
export async function kustomizeInputs(folder: string): Promise<readonly string[]> {
  const inputs = new Set<string>();
  await visitFolder(folder, inputs);
  return [...inputs];
}

async function visitFolder(folder: string, inputs: Set<string>): Promise<void> {
  for (const name of kustomizationNames) {
    const file = join(folder, name);
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    if (inputs.has(file)) return;
    inputs.add(file);
    for (const path of namedPaths(text, file)) await visitPath(resolve(folder, path), inputs);
    return;
  }
  inputs.add(join(folder, 'kustomization.yaml'));
}

async function visitPath(path: string, inputs: Set<string>): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) await visitFolder(path, inputs);
  else inputs.add(path);
}

/** https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/ */
function namedPaths(text: string, file: string): readonly string[] {
  const kustomization = parse(text, file);
  const paths = pathFields.flatMap((field) => strings(kustomization[field]));
  for (const field of ['patches', 'patchesJson6902', 'replacements'])
    paths.push(...records(kustomization[field]).flatMap((entry) => strings([entry['path']])));
  for (const field of ['configMapGenerator', 'secretGenerator'])
    for (const entry of records(kustomization[field])) {
      // `key=file`, or a file whose name is the key.
      paths.push(...strings(entry['files']).map((source) => source.slice(source.indexOf('=') + 1)));
      paths.push(...strings(entry['envs']), ...strings([entry['env']]));
    }
  paths.push(...records([kustomization['openapi']]).flatMap((entry) => strings([entry['path']])));
  return paths.filter((path) => path !== '' && !path.includes('\n') && !isRemote(path));
}

function parse(text: string, file: string): Readonly<Record<string, unknown>> {
  try {
    return records(parseManifestYaml(text, file).map(({ value }) => value))[0] ?? {};
  } catch {
    return {};
  }
}

/** A URL, `host:org/repo` or `host/org/repo?ref=…`, as kustomize's own loader tells them. */
function isRemote(path: string): boolean {
  return /^[a-z+]+:\/\//i.test(path) || /^(git@|git::|github\.com[/:])/i.test(path) || /[?&]ref=/.test(path);
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
}

function records(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  if (!Array.isArray(value)) return [];
  return value.filter((each): each is Record<string, unknown> => typeof each === 'object' && each !== null);
}
