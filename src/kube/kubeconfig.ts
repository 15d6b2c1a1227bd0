import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve, sep } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { Failure } from '../errors.ts';
import { isRecord } from '../lib/is-record.ts';
import { parseManifestYaml } from '../lib/yaml.ts';

export interface KubeconfigOptions {
  /** Default: the files of KUBECONFIG, else ~/.kube/config. */
  readonly kubeconfig?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads the kubeconfig as kubectl does: files that are absent count for nothing, and of two entries with one name the
 * first wins.
 *
 * @throws Failure `unreachable` when a file can't be read, or is no kubeconfig.
 * https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#merging-kubeconfig-files
 */
export async function mergeKubeconfig(options: KubeconfigOptions): Promise<KubeConfig> {
  // It takes longer to load than all the rest of stormctl: only commands that need a cluster pay for it.
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
  const loaded: KubeConfig[] = [];
  for (const file of kubeconfigFiles(options)) {
    const text = await readKubeconfig(file);
    if (text === undefined || text.trim() === '') continue;
    const config = new KubeConfig();
    try {
      config.loadFromString(text);
    } catch (cause) {
      throw unreadable(file, cause);
    }
    config.makePathsAbsolute(dirname(file));
    loaded.push(withTokenFiles(withAbsolutePlugins(config, dirname(file)), text, file));
  }
  const merged = new KubeConfig();
  merged.loadFromOptions({
    clusters: firstOfEachName(loaded.flatMap(({ clusters }) => clusters)),
    users: firstOfEachName(loaded.flatMap(({ users }) => users)),
    contexts: firstOfEachName(loaded.flatMap(({ contexts }) => contexts)),
    currentContext: loaded.find(({ currentContext }) => currentContext)?.currentContext,
  });
  return merged;
}

export function kubeconfigFiles({ kubeconfig, env }: KubeconfigOptions): readonly [string, ...string[]] {
  if (kubeconfig) return [kubeconfig];
  const [first, ...rest] = env['KUBECONFIG']?.split(delimiter).filter((file) => file !== '') ?? [];
  return first === undefined ? [join(env['HOME'] || homedir(), '.kube', 'config')] : [first, ...rest];
}

/** The file that kubectl would write to: the first that KUBECONFIG names. */
export function kubeconfigFile(env: KubeconfigOptions['env']): string {
  return kubeconfigFiles({ env })[0];
}

async function readKubeconfig(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as { code?: string }).code === 'ENOENT') return undefined;
    throw unreadable(file, cause);
  }
}

function unreadable(file: string, cause: unknown): Failure {
  return new Failure('unreachable', "the kubeconfig can't be read", {
    where: file,
    detail: wordsOf(cause),
    next: `see what kubectl says of it: kubectl --kubeconfig ${file} config view`,
    cause,
  });
}

/** The parser's message quotes the lines around the fault, which may hold a token or a key: its reason and place do not. */
function wordsOf(cause: unknown): string {
  const { reason, mark } = cause as { reason?: string; mark?: { readonly line: number; readonly column: number } };
  if (reason !== undefined && mark) return `${reason} (line ${mark.line + 1}, column ${mark.column + 1})`;
  return cause instanceof Error ? cause.message : String(cause);
}

/** A command that has a folder in it is relative to the file that names it; one that has none is looked up in PATH. */
function withAbsolutePlugins(config: KubeConfig, folder: string): KubeConfig {
  for (const { exec } of config.users as { exec?: { command?: string } | null }[])
    if (exec?.command?.includes(sep)) exec.command = resolve(folder, exec.command);
  return config;
}

/** The file that holds the user's token, absolute; undefined: there is none. */
export function tokenFileOf(user: object): string | undefined {
  return 'tokenFile' in user && typeof user.tokenFile === 'string' ? user.tokenFile : undefined;
}

/** The library does not know `tokenFile`. */
function withTokenFiles(config: KubeConfig, text: string, file: string): KubeConfig {
  if (!text.includes('tokenFile')) return config;
  const [document] = parseManifestYaml(text, file);
  const users = isRecord(document?.value) && Array.isArray(document.value['users']) ? document.value['users'] : [];
  for (const entry of users as readonly unknown[]) {
    if (!isRecord(entry) || !isRecord(entry['user'])) continue;
    const { tokenFile } = entry['user'];
    const known = config.users.find(({ name }) => name === entry['name']);
    if (known && typeof tokenFile === 'string' && tokenFile !== '')
      Object.assign(known, { tokenFile: resolve(dirname(file), tokenFile) });
  }
  return config;
}

function firstOfEachName<T extends { readonly name: string }>(items: readonly T[]): readonly T[] {
  const seen = new Set<string>();
  return items.filter(({ name }) => !seen.has(name) && seen.add(name));
}
