import { readFile } from 'node:fs/promises';
import { Failure } from '../errors.ts';
import { editYaml } from '../lib/yaml.ts';
import type { Registry } from './registry.ts';

/** Where k3s looks for it. https://docs.k3s.io/installation/private-registry */
export const registriesPath = '/etc/rancher/k3s/registries.yaml';

/** @throws Failure `usage` when it can't be read. */
export async function readRegistriesFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new Failure('usage', `can't read the registries file ${file}`, {
      where: file,
      detail: error instanceof Error ? error.message : undefined,
      next: 'see https://docs.k3s.io/installation/private-registry for what it holds',
      cause: error,
    });
  }
}

/**
 * What the nodes are told of registries: the user's own file, and in it, under both of its names, the one that was joined.
 *
 * @returns undefined when there is nothing to tell.
 */
export function registriesYaml(
  given: { readonly file: string; readonly text: string } | undefined,
  registry: Registry | undefined,
): string | undefined {
  if (!registry) return given?.text;
  const yaml = editYaml(given?.text ?? '', given?.file ?? 'registries.yaml');
  for (const name of [registry.host, registry.hostFromNodes])
    if (yaml.get(['mirrors', name]) === undefined)
      yaml.set(['mirrors', name], { endpoint: [`http://${registry.hostFromNodes}`] });
  return yaml.toString();
}
