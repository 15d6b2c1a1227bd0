import { readFile } from 'node:fs/promises';
import type { Agent, RequestOptions } from 'node:https';
import type { Cluster, Context, User } from '@kubernetes/client-node/dist/config_types.js';
import { Mask } from '../lib/mask.ts';
import type { Access } from './access.ts';
import { LoginFailure } from './kube.ts';
import { tokenFileOf } from './kubeconfig.ts';

/** What a context of a kubeconfig leads to. */
export interface Entry {
  readonly context: Context;
  readonly cluster: Cluster;
  readonly user: User | undefined;
}

/** https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins */
interface Plugin {
  readonly apiVersion?: string;
  readonly command?: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly installHint?: string;
  readonly provideClusterInfo?: boolean;
}

/**
 * Certificates, token, basic auth, or what an exec plugin or a token's file holds, for one context.
 *
 * @throws LoginFailure when a plugin is missing or fails, or a file can't be read.
 */
export async function computeAccess(entry: Entry, env: Readonly<Record<string, string | undefined>>): Promise<Access> {
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
  const { context, cluster } = entry;
  // The library ignores the authority of a cluster whose context has no user, and plain http unless TLS is waived.
  const user: User = withPluginEnv(entry, env);
  const skipTLSVerify = cluster.skipTLSVerify || cluster.server.startsWith('http:');
  const config = new KubeConfig();
  config.loadFromOptions({
    contexts: [{ ...context, user: user.name }],
    clusters: [{ ...cluster, skipTLSVerify }],
    users: [user],
    currentContext: context.name,
  });
  const options: RequestOptions = {};
  const file = tokenFileOf(user);
  let token: string | undefined;
  try {
    await config.applyToHTTPSOptions(options);
    // Of both the file is what is current: k8s.io/client-go tools/clientcmd/api/v1.
    if (file !== undefined) token = (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw explain(entry, cause);
  }
  const basic = options.auth ? { Authorization: `Basic ${Buffer.from(options.auth).toString('base64')}` } : {};
  const { ca, cert, key, rejectUnauthorized, servername } = options as Access['tls'];
  return {
    server: cluster.server,
    headers: {
      ...(options.headers as Record<string, string> | undefined),
      ...basic,
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    },
    login: loginOf(entry, file),
    tls: { ca, cert, key, rejectUnauthorized, servername },
    proxy: cluster.proxyUrl ? (options.agent as Agent) : undefined,
  };
}

/** The library runs a plugin with this process's environment, and without the variable that the protocol asks for. */
function withPluginEnv({ user, cluster }: Entry, env: Readonly<Record<string, string | undefined>>): User {
  const plugin = user?.exec as Plugin | null | undefined;
  if (!user || !plugin) return user ?? { name: 'anonymous' };
  const info = {
    apiVersion: plugin.apiVersion ?? 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    spec: {
      interactive: false,
      ...(plugin.provideClusterInfo
        ? {
            cluster: {
              server: cluster.server,
              'tls-server-name': cluster.tlsServerName,
              'insecure-skip-tls-verify': cluster.skipTLSVerify,
              'certificate-authority-data': cluster.caData,
            },
          }
        : {}),
    },
  };
  const inherited = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]));
  const told = { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(info) };
  return { ...user, exec: { ...plugin, env: [...inherited, ...(plugin.env ?? []), told] } };
}

/** @returns what renews the credentials of an entry: they are read again at the next try. */
function loginOf({ context, user }: Entry, tokenFile: string | undefined): string {
  const plugin = user?.exec as Plugin | null | undefined;
  if (plugin) return `log in again, with what ${plugin.command ?? 'the credential plugin'} asks for its tokens`;
  if (tokenFile !== undefined) return `log in again: a new token is to be in ${tokenFile}`;
  const kind = user?.token ? 'token' : user?.certData || user?.certFile ? 'client certificate' : 'user';
  return `log in again: the kubeconfig needs a new ${kind} for context ${context.name}`;
}

function explain({ context, user }: Entry, cause: unknown): LoginFailure {
  const plugin = user?.exec as Plugin | null | undefined;
  const mask = new Mask();
  mask.learn(secretsGiven(plugin).map((text) => Buffer.from(text)));
  const facts = { where: `context ${context.name}`, detail: mask.apply(wordsOf(cause)), cause };
  if (!plugin)
    return new LoginFailure(`the credentials of the context ${context.name} can't be used`, {
      ...facts,
      next: `see whether kubectl can use them: kubectl --context ${context.name} get --raw /readyz`,
    });
  const name = `the credential plugin ${plugin.command ?? ''} of the kubeconfig's user ${user?.name ?? ''}`;
  if ((cause as { code?: string }).code === 'ENOENT')
    return new LoginFailure(`${name} was not found`, {
      ...facts,
      next: plugin.installHint ?? 'install it, or put it into PATH: the kubeconfig asks it who you are',
    });
  // Not by hand: its arguments may hold a secret (`--oidc-client-secret=…`), and are not ours to print.
  return new LoginFailure(`${name} failed`, {
    ...facts,
    next: `see whether kubectl can use it: kubectl --context ${context.name} get --raw /readyz`,
  });
}

/** @returns what a plugin is given that its own words must not bring here, by the names of its arguments and variables. */
function secretsGiven(plugin: Plugin | null | undefined): readonly string[] {
  const isSecret = (name: string) => /secret|token|passw|key|credential/i.test(name);
  const args = plugin?.args ?? [];
  const fromArgs = args.flatMap((arg, at) => {
    const [name = '', ...value] = arg.split('=');
    if (!name.startsWith('-') || !isSecret(name)) return [];
    return value.length > 0 ? value.join('=') : (args[at + 1] ?? []);
  });
  return [...fromArgs, ...(plugin?.env ?? []).flatMap(({ name, value }) => (isSecret(name) ? value : []))];
}

/** What a parser says of JSON that is broken quotes it, and a plugin prints a token. */
function wordsOf(cause: unknown): string {
  if (cause instanceof SyntaxError) return 'what it printed is not JSON';
  return cause instanceof Error ? cause.message.trim() : String(cause);
}
