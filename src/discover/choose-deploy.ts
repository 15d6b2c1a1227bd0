import { readFile } from 'node:fs/promises';
import { basename, dirname, join, posix, relative, sep } from 'node:path';
import { parseManifestYaml } from '../lib/yaml.ts';
import { kustomizeInputs } from '../manifests/kustomize-inputs.ts';
import { groupOf } from '../objects.ts';
import type { KubeObject } from '../objects.ts';
import type { FoundFiles } from './find-files.ts';

/** How the project is deployed, and the objects that this brings. */
export interface FoundDeploy {
  readonly kustomize: string | undefined;
  /** Kustomizations for other environments, by the name of their folder. */
  readonly environments: ReadonlyMap<string, string>;
  /** Kustomizations that neither it nor an environment brings. */
  readonly others: readonly string[];
  /** Globs and files, relative to the root; none where a kustomization is used. */
  readonly manifests: readonly string[];
  /** As they stand in the files: what a kustomization would change in them is not applied. */
  readonly objects: readonly KubeObject[];
}

/** Names of folders that hold the overlay to develop with, the best first; and of those to leave alone. */
const forDevelopment = ['dev', 'development', 'local'];
const forOthers = new Set(['prod', 'production', 'staging', 'stage', 'preprod', 'test', 'testing', 'ci']);

/** Files of these groups configure tools, and are no objects of a cluster. */
const toolGroups = /^(skaffold|kustomize\.config\.k8s\.io|k3d\.io|kind\.x-k8s\.io|stormctl\.dev|kubeadm\.k8s\.io)$/;

/** Chooses the kustomization to develop with, else the plain manifests. */
export async function chooseDeploy(root: string, { kustomizations, yamls }: FoundFiles): Promise<FoundDeploy> {
  const tops = await findTops(root, kustomizations);
  const kustomize = chooseKustomization(kustomizations, tops);
  if (kustomize !== undefined) {
    const { files } = await kustomizeInputs(join(root, kustomize));
    const inputs = files.map((file) => relative(root, file).replaceAll(sep, '/'));
    const objects = await Promise.all(
      inputs.filter((file) => yamls.includes(file)).map((file) => readObjects(root, file)),
    );
    return {
      kustomize,
      ...sortOut(tops.filter((folder) => folder !== kustomize)),
      manifests: [],
      objects: objects.flatMap((each) => each ?? []),
    };
  }
  const read = await Promise.all(yamls.map(async (file) => ({ file, objects: await readObjects(root, file) })));
  const manifests = leaveOthersAlone(read.filter(({ objects }) => objects !== undefined));
  const files = manifests.map(({ file }) => file);
  return {
    kustomize: undefined,
    environments: new Map(),
    others: [],
    manifests: asGlobs(files, yamls),
    objects: manifests.flatMap(({ objects }) => objects ?? []),
  };
}

/** An overlay for development, else one that no other is built on; a folder named `base` comes last. */
function chooseKustomization(folders: readonly string[], tops: readonly string[]): string | undefined {
  const named = forDevelopment.flatMap((name) => folders.filter((folder) => basename(folder) === name));
  if (named[0] !== undefined) return named[0];
  const own = tops.find((folder) => !forOthers.has(basename(folder)));
  return own ?? folders.find((folder) => basename(folder) === 'base') ?? tops[0];
}

/** @returns the kustomizations that no other is built on. */
async function findTops(root: string, folders: readonly string[]): Promise<readonly string[]> {
  const used = new Set<string>();
  for (const folder of folders) {
    const { files } = await kustomizeInputs(join(root, folder));
    for (const file of files) if (dirname(file) !== join(root, folder)) used.add(relative(root, dirname(file)));
  }
  return folders.filter((folder) => !used.has(folder === '.' ? '' : folder));
}

function sortOut(tops: readonly string[]): Pick<FoundDeploy, 'environments' | 'others'> {
  const environments = new Map<string, string>();
  const others: string[] = [];
  for (const folder of tops) {
    const name = basename(folder);
    if (forOthers.has(name) && !environments.has(name)) environments.set(name, folder);
    else others.push(folder);
  }
  return { environments, others };
}

/** @returns the Kubernetes objects of a file; undefined when it is no manifest. */
async function readObjects(root: string, file: string): Promise<readonly KubeObject[] | undefined> {
  try {
    const documents = parseManifestYaml(await readFile(join(root, file), 'utf8'), file);
    const values = documents.map(({ value }) => value);
    return values.length > 0 && values.every(isObject) ? values : undefined;
  } catch {
    // A template, or broken: either way it is no manifest that can be applied as it is.
    return undefined;
  }
}

function isObject(value: unknown): value is KubeObject {
  const { apiVersion, kind, metadata } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return false;
  const { name } = (metadata ?? {}) as Readonly<Record<string, unknown>>;
  return typeof name === 'string' && !toolGroups.test(groupOf(apiVersion));
}

/** Where some manifests are for an environment of their own, the others are those to develop with. */
function leaveOthersAlone<T extends { readonly file: string }>(manifests: readonly T[]): readonly T[] {
  const own = manifests.filter(({ file }) => !file.split('/').some((part) => forOthers.has(part)));
  return own.length > 0 ? own : manifests;
}

/** A folder with nothing but manifests becomes a glob, and sibling folders one glob with braces; else files are named. */
function asGlobs(files: readonly string[], yamls: readonly string[]): readonly string[] {
  const globs: string[] = [];
  const whole = new Map<string, string[]>();
  for (const folder of new Set(files.map((file) => posix.dirname(file)))) {
    const inside = files.filter((file) => posix.dirname(file) === folder);
    const isWhole = yamls.filter((file) => posix.dirname(file) === folder).length === inside.length && folder !== '.';
    if (!isWhole) globs.push(...inside);
    else {
      const endings = [...new Set(inside.map((file) => posix.extname(file).slice(1)))].sort();
      const key = `${posix.dirname(folder)}\n${endings.length > 1 ? `{${endings.join(',')}}` : endings[0]}`;
      whole.set(key, [...(whole.get(key) ?? []), posix.basename(folder)]);
    }
  }
  for (const [key, names] of whole) {
    const [parent = '', ending = ''] = key.split('\n');
    const folder = names.length > 1 ? `{${names.join(',')}}` : names.join('');
    globs.push(posix.join(parent, folder, `*.${ending}`));
  }
  return globs;
}
