import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { undefinedIfGone } from '../lib/if-gone.ts';
import { isRecord } from '../lib/is-record.ts';
import type { GlobArea } from '../lib/glob.ts';
import { parseManifestYaml } from '../lib/yaml.ts';
import type { HelmStep } from '../project.ts';
import type { RenderInputs } from './render-inputs.ts';

/** What a step reads: its chart, the local charts that this one depends on, and its files of values. */
export async function helmInputs({ chart, values }: HelmStep): Promise<RenderInputs> {
  if (chart.kind === 'remote') return { files: values, areas: [], remote: [chart.reference] };
  if (/\.(tgz|tar\.gz)$/.test(chart.path)) return { files: [...values, chart.path], areas: [], remote: [] };
  return { files: values, areas: await chartAreas(chart.path), remote: [] };
}

/** @returns what of a chart's folder can change what it renders, and of the folders of its `file://` dependencies. */
export async function chartAreas(folder: string): Promise<readonly GlobArea[]> {
  const areas = new Map<string, GlobArea>();
  const visit = async (chart: string): Promise<void> => {
    if (areas.has(chart)) return;
    areas.set(chart, areaOf(chart, await ignoredBy(chart)));
    for (const dependency of await localDependencies(chart)) await visit(dependency);
  };
  await visit(folder);
  return [...areas.values()];
}

function areaOf(folder: string, ignores: Ignores): GlobArea {
  return {
    folder,
    matches: (file) => !isIgnored(file, false, ignores),
    mayMatchBelow: (below) => !isIgnored(below, true, ignores),
  };
}

type Ignores = readonly { readonly pattern: RegExp; readonly wholePath: boolean; readonly onlyFolders: boolean }[];

/** A folder that is left out takes what is below it along. */
function isIgnored(path: string, isFolder: boolean, ignores: Ignores): boolean {
  const parts = path.split('/');
  return parts.some((name, index) => {
    const isFolderHere = isFolder || index < parts.length - 1;
    const upToHere = parts.slice(0, index + 1).join('/');
    if (name === '.git' || name === '.stormctl') return true;
    return ignores.some(
      ({ pattern, wholePath, onlyFolders }) =>
        (isFolderHere || !onlyFolders) && pattern.test(wholePath ? upToHere : name),
    );
  });
}

/**
 * Reads a `.helmignore`. Only plain names and wildcards count: with a rule that is passed over more is watched than helm
 * reads, never less. https://helm.sh/docs/chart_template_guide/helm_ignore_file/
 */
async function ignoredBy(chart: string): Promise<Ignores> {
  const text = (await readFile(join(chart, '.helmignore'), 'utf8').catch(undefinedIfGone)) ?? '';
  return text.split(/\r?\n/).flatMap((line) => {
    const rule = line.trim();
    if (rule === '' || rule.startsWith('#') || /[![\]\\]|\*\*/.test(rule)) return [];
    const bare = rule.replace(/\/$/, '');
    const source = bare.replace(/^\//, '').replaceAll(/[.+^${}()|]/g, '\\$&');
    const pattern = new RegExp(`^${source.replaceAll('*', '[^/]*').replaceAll('?', '[^/]')}$`);
    return [{ pattern, wholePath: bare.includes('/'), onlyFolders: bare !== rule }];
  });
}

/** https://helm.sh/docs/helm/helm_dependency/: `repository: file://../common`, relative to the chart. */
async function localDependencies(chart: string): Promise<readonly string[]> {
  const file = join(chart, 'Chart.yaml');
  const text = await readFile(file, 'utf8').catch(undefinedIfGone);
  const [document] = text === undefined ? [] : parsedOrNothing(text, file);
  const dependencies = isRecord(document) ? document['dependencies'] : undefined;
  return (Array.isArray(dependencies) ? dependencies : []).flatMap((each: unknown) => {
    const repository = isRecord(each) ? each['repository'] : undefined;
    const isLocal = typeof repository === 'string' && repository.startsWith('file://');
    return isLocal ? [resolve(dirname(file), repository.slice('file://'.length))] : [];
  });
}

/** What is wrong with the file is helm's to tell. */
function parsedOrNothing(text: string, file: string): readonly unknown[] {
  try {
    return parseManifestYaml(text, file).map(({ value }) => value);
  } catch {
    return [];
  }
}
