import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { GlobArea } from '../lib/glob.ts';
import { kindOf, undefinedIfGone } from '../lib/if-gone.ts';
import { parseManifestYaml } from '../lib/yaml.ts';
import { kustomizationNames } from '../project.ts';
import { chartAreas } from './helm-inputs.ts';
import type { RenderInputs } from './render-inputs.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** Fields whose entries are files, kustomizations or, some of them, inline YAML. */
const pathFields = ['resources', 'bases', 'components', 'crds', 'configurations', 'patchesStrategicMerge'];

/** Fields whose entries configure a plugin: what kustomize's own ones read is named in there as in a kustomization. */
const pluginFields = ['generators', 'transformers', 'validators'];

/**
 * What a kustomization reads, for the watcher: every kustomization file on the way down and every file that one names,
 * there or not (one that is missing now is an input too), and the local charts that it inflates. Remote bases are named,
 * not followed. A kustomization file that can't be parsed counts, and what it would have named does not: its own error is
 * kustomize's to tell.
 */
export async function kustomizeInputs(folder: string): Promise<RenderInputs> {
  const walk = new Walk();
  await walk.folder(folder);
  return { files: [...walk.files], areas: walk.areas, remote: [...walk.remote] };
}

class Walk {
  readonly files = new Set<string>();
  readonly areas: GlobArea[] = [];
  readonly remote = new Set<string>();
  /** Each with the folder of the kustomization that uses it. */
  readonly #pluginFolders = new Set<string>();

  async folder(folder: string): Promise<void> {
    const found = await kustomizationOf(folder);
    if (!found) {
      this.files.add(join(folder, 'kustomization.yaml'));
      return;
    }
    if (this.files.has(found.file)) return;
    this.files.add(found.file);
    for (const fields of found.documents) await this.#fields(fields, folder);
  }

  async #fields(fields: Fields, folder: string): Promise<void> {
    for (const path of namedPaths(fields)) await this.#path(path, folder);
    for (const entry of pluginFields.flatMap((field) => strings(fields[field])))
      await this.#plugin(entry, { from: folder, folder });
    for (const chart of namedCharts(fields)) await this.#chart(chart, folder);
  }

  async #path(path: string, folder: string): Promise<void> {
    if (path === '' || path.includes('\n')) return;
    const here = resolve(folder, path);
    const kind = await kindOf(here);
    if (kind === 'folder') return this.folder(here);
    if (kind === undefined && isRemote(path)) this.remote.add(path);
    else this.files.add(here);
  }

  /**
   * Inline, a file, or a folder whose resources are the configuration. Its own paths start at the folder of the
   * kustomization that uses it, wherever it is written.
   */
  async #plugin(entry: string, { from, folder }: { readonly from: string; readonly folder: string }): Promise<void> {
    if (entry.includes('\n')) {
      for (const fields of parse(entry, folder)) await this.#pluginFields(fields, folder);
      return;
    }
    const here = resolve(from, entry);
    const kind = await kindOf(here);
    const isNew = kind === 'folder' && !this.#pluginFolders.has(`${here} ${folder}`);
    if (isNew) this.#pluginFolders.add(`${here} ${folder}`);
    await this.#path(entry, from);
    if (isNew)
      for (const { resources } of (await kustomizationOf(here))?.documents ?? [])
        for (const resource of strings(resources)) await this.#plugin(resource, { from: here, folder });
    const text = kind === 'file' ? await readFile(here, 'utf8').catch(undefinedIfGone) : undefined;
    for (const fields of text === undefined ? [] : parse(text, here)) await this.#pluginFields(fields, folder);
  }

  async #pluginFields(fields: Fields, folder: string): Promise<void> {
    const paths = [
      ...sources(fields),
      ...strings([fields['path']]),
      ...strings(fields['paths']),
      ...records(fields['replacements']).flatMap(({ path }) => strings([path])),
    ];
    for (const path of paths) await this.#path(path, folder);
    if (fields['kind'] === 'HelmChartInflationGenerator') await this.#chart(fields, folder);
  }

  async #chart(chart: Fields, folder: string): Promise<void> {
    const { name, valuesFile, additionalValuesFiles, chartHome } = chart;
    for (const path of [...strings([valuesFile]), ...strings(additionalValuesFiles)]) await this.#path(path, folder);
    const [shown] = strings([name]);
    if (shown === undefined) return;
    const here = join(resolve(folder, strings([chartHome])[0] ?? 'charts'), shown);
    if (typeof chart['repo'] === 'string' && (await kindOf(here)) === undefined)
      this.remote.add(`${chart['repo']} ${shown}`);
    else this.areas.push(...(await chartAreas(here)));
  }
}

/** @returns the first file that makes a folder a kustomization, and what stands in it. */
export async function kustomizationOf(
  folder: string,
): Promise<{ readonly file: string; readonly documents: readonly Fields[] } | undefined> {
  for (const name of kustomizationNames) {
    const file = join(folder, name);
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text !== undefined) return { file, documents: parse(text, file) };
  }
  return undefined;
}

/** https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/ */
function namedPaths(fields: Fields): readonly string[] {
  return [
    ...pathFields.flatMap((field) => strings(fields[field])),
    ...['patches', 'patchesJson6902', 'replacements'].flatMap((field) =>
      records(fields[field]).flatMap(({ path }) => strings([path])),
    ),
    ...['configMapGenerator', 'secretGenerator'].flatMap((field) => records(fields[field]).flatMap(sources)),
    ...records([fields['openapi']]).flatMap(({ path }) => strings([path])),
  ];
}

/** Of a generator of ConfigMaps or Secrets: `key=file`, or a file whose name is the key. */
function sources({ files, envs, env }: Fields): readonly string[] {
  return [
    ...strings(files).map((source) => source.slice(source.indexOf('=') + 1)),
    ...strings(envs),
    ...strings([env]),
  ];
}

/** Each with the folder that holds the local charts, by the newer field and by the older one. */
function namedCharts(fields: Fields): readonly Fields[] {
  const [globals] = records([fields['helmGlobals']]);
  const charts = records(fields['helmCharts']).map((chart) => ({ ...chart, chartHome: globals?.['chartHome'] }));
  const older = records(fields['helmChartInflationGenerator']).map((chart) => ({
    name: chart['chartName'],
    repo: chart['chartRepoUrl'],
    valuesFile: chart['values'],
    chartHome: chart['chartHome'],
  }));
  return [...charts, ...older];
}

function parse(text: string, file: string): readonly Fields[] {
  try {
    return records(parseManifestYaml(text, file).map(({ value }) => value));
  } catch {
    return [];
  }
}

/** A URL, `host:org/repo`, `host/org/repo//path` or `host/org/repo?ref=…`, as kustomize's own loader tells them. */
function isRemote(path: string): boolean {
  return /^[a-z+]+:\/\//i.test(path) || /^(git@|git::|github\.com[/:])/i.test(path) || /[^/]\/\/|[?&]ref=/.test(path);
}

/** @returns the strings of a list; none of anything else. */
export function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
}

/** @returns the maps of a list; none of anything else. */
export function records(value: unknown): readonly Fields[] {
  if (!Array.isArray(value)) return [];
  return value.filter((each): each is Record<string, unknown> => typeof each === 'object' && each !== null);
}
