import { basename, join } from 'node:path';
import { kindOf } from '../lib/if-gone.ts';
import { toLabel } from '../lib/label.ts';
import type { YamlPath } from '../lib/yaml.ts';
import type { Chart, HelmStep } from '../project.ts';
import { nearestPath, type Reader } from './reader.ts';
import type { HelmInput } from './schema.ts';

/** Reads the chart of a step; whether it is one, and whether its files of values are there, is checked. */
export async function readHelm(
  input: HelmInput,
  path: YamlPath,
  reader: Reader,
): Promise<Omit<HelmStep, 'kind' | 'wait' | 'at'>> {
  const { release, namespace, values = [], set = {} } = input;
  const chart = await readChart(input, path, reader);
  for (const key of Object.keys(set)) if (key.includes('.')) refuseDots(key, [...path, 'set'], reader);
  return {
    chart,
    release: release ?? readRelease(chart, path, reader),
    namespace,
    values: await Promise.all(
      typeof values === 'string'
        ? [readValues(values, [...path, 'values'], reader)]
        : values.map((file, index) => readValues(file, [...path, 'values', index], reader)),
    ),
    set,
  };
}

async function readChart({ chart, repo, version }: HelmInput, path: YamlPath, reader: Reader): Promise<Chart> {
  if (repo !== undefined || /^(oci|https?):\/\//.test(chart))
    return { kind: 'remote', reference: chart, repo, version };
  if (version !== undefined)
    reader.wrong(
      [...path, 'version'],
      'a chart here has the version of its Chart.yaml',
      'leave it out, or give `repo`',
    );
  const here = [...path, 'chart'];
  const local = reader.resolve(chart);
  const shown = reader.show(local);
  const kind = await kindOf(local);
  if (kind === undefined)
    reader.wrong(
      here,
      `there is no chart ${shown}`,
      (await nearestPath(local, reader)) ?? 'name its folder; a chart of a repository needs `repo: URL` beside it',
    );
  else if (kind === 'folder' && (await kindOf(join(local, 'Chart.yaml'))) !== 'file')
    reader.wrong(here, `${shown} is no chart: it holds no Chart.yaml`, 'name the folder that has it');
  else if (kind === 'file' && !/\.(tgz|tar\.gz)$/.test(local))
    reader.wrong(here, `${shown} is no chart`, 'name the folder that holds its Chart.yaml, or a packed one (.tgz)');
  return { kind: 'local', path: local };
}

/** A packed chart is named with its version: `storm-1.2.0.tgz`. */
function readRelease(chart: Chart, path: YamlPath, reader: Reader): string {
  const name = basename(chart.kind === 'local' ? chart.path : chart.reference)
    .replace(/\.(tgz|tar\.gz)$/, '')
    .replace(/-v?\d+\.\d+\.\d+.*$/, '')
    .replace(/[:@].*$/, '');
  const release = toLabel(name);
  if (release === '') reader.wrong([...path, 'chart'], "the chart's name makes no release", 'add `release: NAME`');
  return release;
}

async function readValues(text: string, path: YamlPath, reader: Reader): Promise<string> {
  const file = reader.resolve(text);
  const kind = await kindOf(file);
  if (kind === 'folder') reader.wrong(path, `${text} is a folder`, 'name a file of values');
  if (kind === undefined) reader.wrong(path, `there is no file ${text}`, await nearestPath(file, reader));
  return file;
}

/** `--set` takes dots for levels, and no chart has such a key at the top. The value may be a secret, so it is not told. */
function refuseDots(key: string, path: YamlPath, reader: Reader): void {
  const nested = key.split('.').reduceRight((inner, part) => `{ ${part}: ${inner} }`, '…');
  reader.wrong([...path, key], 'a dot makes no level in a map', `write it as ${nested}`);
}
