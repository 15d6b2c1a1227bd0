import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { Failure, formatPosition } from '../errors.ts';
import { type GlobArea, globArea, matchFiles } from '../lib/glob.ts';
import { parseManifestYaml } from '../lib/yaml.ts';
import { formatId, idOf, keyOf } from '../objects.ts';
import type { KubeObject } from '../objects.ts';
import type { DeployStep } from '../project.ts';
import { kustomize } from './kustomize.ts';
import { kustomizeInputs } from './kustomize-inputs.ts';

export interface RenderedObject {
  readonly object: KubeObject;
  /** `infra/web.yaml:12:1`, or `kustomize infra/k8s/overlays/dev`. */
  readonly where: string;
}

export interface RenderedStep {
  readonly step: DeployStep;
  readonly objects: readonly RenderedObject[];
  readonly inputs: RenderInputs;
}

/** What a render reads: a change of it can change what it gives. */
export interface RenderInputs {
  /** Absolute; one that is missing now counts too. */
  readonly files: readonly string[];
  /** Where a new file would be read too. */
  readonly areas: readonly GlobArea[];
}

export interface RenderOptions {
  /** The project's root: globs start here, and files are shown relative to it. */
  readonly root: string;
  readonly signal: AbortSignal;
  /** Of the renderers, their PATH too. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads every object of the project, in the order of the steps.
 *
 * @throws Failure `usage` for YAML that can't be parsed, something that is no Kubernetes object, an object given twice, or
 * a kustomization that can't be built; AbortError.
 */
export async function render(steps: readonly DeployStep[], options: RenderOptions): Promise<readonly RenderedStep[]> {
  const rendered = await Promise.all(
    steps.map(async (step) => {
      const [objects, inputs] = await Promise.all([renderStep(step, options), inputsOf(step, options.root)]);
      return { step, objects, inputs };
    }),
  );
  refuseDuplicates(rendered.flatMap(({ objects }) => objects));
  return rendered;
}

/** @returns what the watcher has to watch for a step, also when it can't be rendered now. */
export async function inputsOf(step: DeployStep, root: string): Promise<RenderInputs> {
  if (step.kind === 'kustomize') return { files: await kustomizeInputs(step.folder), areas: [] };
  const files = await Promise.all(step.globs.map((glob) => matchFiles(glob, root)));
  return {
    files: [...new Set(files.flat())],
    areas: step.globs.flatMap((glob) => globArea(glob, root) ?? []),
  };
}

async function renderStep(step: DeployStep, { root, signal, env }: RenderOptions): Promise<readonly RenderedObject[]> {
  if (step.kind === 'kustomize') {
    const shown = relative(root, step.folder) || '.';
    const text = await kustomize({ folder: step.folder, shown, at: step.at, signal, env });
    const where = `kustomize ${shown}`;
    return parseManifestYaml(text, where).flatMap(({ value }) => flatten(value, where));
  }
  const matched = await Promise.all(step.globs.map((glob) => matchFiles(glob, root)));
  const texts = await Promise.all(
    [...new Set(matched.flat())].map(async (file) => ({
      file: relative(root, file),
      text: await readFile(file, { encoding: 'utf8', signal }),
    })),
  );
  return texts.flatMap(({ file, text }) =>
    parseManifestYaml(text, file).flatMap(({ value, at }) => flatten(value, formatPosition(at))),
  );
}

/** One document: nothing, an object, or a list of them (`kind: List`, `ConfigMapList`, …). */
function flatten(value: unknown, where: string): readonly RenderedObject[] {
  if (value === null || value === undefined) return [];
  const { apiVersion, kind, metadata, items } = (typeof value === 'object' ? value : {}) as Partial<
    Record<string, unknown>
  >;
  if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items))
    return items.flatMap((item: unknown) => flatten(item, where));
  const name = (metadata as { name?: unknown } | null | undefined)?.name;
  const missing = Object.entries({ apiVersion, kind, 'metadata.name': name }).find(
    ([, field]) => typeof field !== 'string' || field === '',
  );
  if (missing)
    throw new Failure('usage', `not a Kubernetes object: ${missing[0]} is missing`, {
      where,
      next: 'give it apiVersion, kind and metadata.name, or leave the file out of `deploy`',
    });
  return [{ object: value as KubeObject, where }];
}

function refuseDuplicates(objects: readonly RenderedObject[]): void {
  const seen = new Map<string, string>();
  for (const { object, where } of objects) {
    const id = idOf(object);
    const first = seen.get(keyOf(id));
    if (first !== undefined)
      throw new Failure('usage', `${formatId(id)} is given twice: ${first} and ${where}`, {
        where,
        next: 'remove one of them, or give it another name or namespace',
      });
    seen.set(keyOf(id), where);
  }
}
