import { mkdir, readFile, realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { writeWhole } from '../lib/write-whole.ts';
import { editYaml, type YamlEditor } from '../lib/yaml.ts';
import { withFileLock } from './file-lock.ts';
import type { KubeconfigEntry } from './kubeconfig.ts';

const empty = 'apiVersion: v1\nkind: Config\n';

/**
 * Adds a cluster, its user and its context to a kubeconfig, in place of those of the same names. Everything else in the
 * file stays as it is, the current context too: a new file has none, and its contexts have to be named (`--context`).
 *
 * @throws Failure `usage` when the file is no YAML or stays locked.
 */
export async function addToKubeconfig(file: string, entry: KubeconfigEntry, signal: AbortSignal): Promise<void> {
  const { name, userName, cluster, user } = entry;
  await change(file, signal, (yaml) => {
    put(yaml, 'clusters', { name, cluster });
    put(yaml, 'users', { name: userName, user });
    put(yaml, 'contexts', { name, context: { cluster: name, user: userName } });
  });
}

/** Takes a context out of a kubeconfig, with the cluster and the user that no other context has. Nothing else is touched. */
export async function removeFromKubeconfig(file: string, context: string, signal: AbortSignal): Promise<void> {
  if ((await readIfThere(file)) === undefined) return;
  await change(file, signal, (yaml) => {
    const contexts = listOf(yaml, 'contexts');
    const own = contexts.find(({ name }) => name === context)?.context;
    if (!own) return;
    const others = contexts.filter(({ name }) => name !== context).map((one) => one.context);
    remove(yaml, 'contexts', context);
    if (!others.some((other) => other?.cluster === own.cluster)) remove(yaml, 'clusters', own.cluster);
    if (!others.some((other) => other?.user === own.user)) remove(yaml, 'users', own.user);
    if (yaml.get(['current-context']) === context) yaml.delete(['current-context']);
  });
}

type Section = 'clusters' | 'users' | 'contexts';

interface Named {
  readonly name?: string;
  readonly context?: { readonly cluster?: string; readonly user?: string };
}

function listOf(yaml: YamlEditor, section: Section): readonly Named[] {
  return (yaml.get([section]) ?? []) as readonly Named[];
}

function put(
  yaml: YamlEditor,
  section: Section,
  item: { readonly name: string; readonly [field: string]: unknown },
): void {
  const list = listOf(yaml, section);
  const at = list.findIndex(({ name }) => name === item.name);
  if (list.length === 0) yaml.set([section], [item]);
  else yaml.set([section, at < 0 ? list.length : at], item);
}

function remove(yaml: YamlEditor, section: Section, name: string | undefined): void {
  const at = listOf(yaml, section).findIndex((item) => item.name === name);
  if (at >= 0) yaml.delete([section, at]);
}

async function change(file: string, signal: AbortSignal, edit: (yaml: YamlEditor) => void): Promise<void> {
  await mkdir(dirname(resolve(file)), { recursive: true, mode: 0o700 });
  // A rename would put a file in the place of a link, and leave what it leads to as it was.
  const target = await realpath(file).catch(() => resolve(file));
  await withFileLock(target, signal, async () => {
    const before = await readIfThere(target);
    const yaml = editYaml(before?.trim() ? before : empty, target);
    edit(yaml);
    const after = yaml.toString();
    if (after !== before) await writeWhole(target, after, { mode: 0o600 });
  });
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
