import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { Failure, formatPosition } from '../errors.ts';
import { matchFiles } from '../lib/glob.ts';
import { parseManifestYaml } from '../lib/yaml.ts';
import type { KubeObject, ObjectId } from '../objects.ts';
import type { DeployStep, HelmStep, KustomizeStep, ManifestsStep } from '../project.ts';
import { inNamespace } from './default-namespace.ts';
import { isInstalled } from './helm-hooks.ts';
import { helm, shownChart, sourceOfLine } from './helm.ts';
import { kustomize, shownFolder } from './kustomize.ts';
import { inFile, inKustomization, type Pinpoint } from './pinpoint.ts';

export interface RenderedObject {
  readonly object: KubeObject;
  /** `infra/web.yaml:12:1`, `kustomize infra/k8s/overlays/dev`, or the template of a chart. */
  readonly where: string;
  /** Of what is read and not made by a template. */
  readonly pinpoint?: Pinpoint | undefined;
  /** ConfigMaps and Secrets of the project whose change replaces its pods. */
  readonly uses?: readonly ObjectId[];
}

export interface RenderOptions {
  /** The project's root: globs start here, and files are shown relative to it. */
  readonly root: string;
  /** The project's, for releases that name none. */
  readonly namespace: string;
  readonly signal: AbortSignal;
  /** Of the renderers, their PATH too. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** @returns the objects of one step, in the order in which it gives them. @throws as `render`, but for duplicates. */
export function renderStep(step: DeployStep, options: RenderOptions): Promise<readonly RenderedObject[]> {
  switch (step.kind) {
    case 'kustomize':
      return renderKustomization(step, options);
    case 'helm':
      return renderChart(step, options);
    case 'manifests':
      return readManifests(step, options);
  }
}

async function renderKustomization(step: KustomizeStep, options: RenderOptions): Promise<readonly RenderedObject[]> {
  const text = await kustomize({ step, ...options });
  const where = `kustomize ${shownFolder(step, options.root)}`;
  const pinpoint = inKustomization(step.folder, options.root, where);
  return parseManifestYaml(text, where)
    .flatMap(({ value }) => flatten(value, where))
    .map(({ object }) => ({ object, where, pinpoint: pinpoint(object) }));
}

/** What an install would make; objects that name no namespace go to the release's. */
async function renderChart(step: HelmStep, options: RenderOptions): Promise<readonly RenderedObject[]> {
  const text = await helm({ step, ...options });
  const shown = shownChart(step, options.root);
  const objects = parseManifestYaml(text, `helm ${shown}`)
    .flatMap(({ value, at }) => flatten(value, sourceOfLine(text, at.line, step, shown)))
    .filter(({ object }) => isInstalled(object));
  const { namespace = options.namespace } = step;
  if (namespace === options.namespace) return objects;
  const definitions = objects.map(({ object }) => object);
  return objects.map(({ object, where }) => ({ object: inNamespace(object, namespace, definitions), where }));
}

async function readManifests(
  { globs }: ManifestsStep,
  { root, signal }: RenderOptions,
): Promise<readonly RenderedObject[]> {
  const matched = await Promise.all(globs.map((glob) => matchFiles(glob, root)));
  const texts = await Promise.all(
    [...new Set(matched.flat())].map(async (file) => ({
      file: relative(root, file),
      pinpoint: inFile(file, root),
      text: await readFile(file, { encoding: 'utf8', signal }),
    })),
  );
  return texts.flatMap(({ file, text, pinpoint }) =>
    parseManifestYaml(text, file, { uniqueKeys: true })
      .flatMap(({ value, at }) => flatten(value, formatPosition(at)))
      .map(({ object, where }) => ({ object, where, pinpoint: pinpoint(object) })),
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
  const { name, generateName } = (metadata ?? {}) as { readonly name?: unknown; readonly generateName?: unknown };
  if (name === undefined && generateName !== undefined) throw unnamed(kind, generateName, where);
  const missing = Object.entries({ apiVersion, kind, 'metadata.name': name }).find(
    ([, field]) => typeof field !== 'string' || field === '',
  );
  if (missing) {
    const [field, value] = missing;
    const isThere = typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean';
    throw new Failure('usage', `not a Kubernetes object: ${field} is ${isThere ? `${value}, no text` : 'missing'}`, {
      where,
      next: isThere
        ? 'put quotes around it'
        : 'give it apiVersion, kind and metadata.name, or leave the file out of `deploy`',
    });
  }
  return [{ object: value as KubeObject, where }];
}

/** https://kubernetes.io/docs/reference/using-api/server-side-apply/ applies to a name; kubectl apply refuses it, too. */
function unnamed(kind: unknown, generateName: unknown, where: string): Failure {
  const next =
    kind === 'Job'
      ? 'give it metadata.name: it runs when it is new, and again whenever its manifest or its image changes'
      : 'give it metadata.name';
  return new Failure(
    'usage',
    `a ${String(kind)} with generateName ${String(generateName)} and no name can't be applied: every apply would make another one`,
    { where, next },
  );
}
