import type { Agent, RequestOptions } from 'node:https';
import type { Cluster, Context, User } from '@kubernetes/client-node/dist/config_types.js';
import { Failure } from '../errors.ts';
import type { Access } from './access.ts';

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
 * Certificates, token, basic auth, or what an exec plugin hands out, for one context.
 *
 * @throws Failure `unreachable` when a plugin is missing or fails, or a file can't be read.
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
  try {
    await config.applyToHTTPSOptions(options);
  } catch (cause) {
    throw explain(entry, cause);
  }
  const basic = options.auth ? { Authorization: `Basic ${Buffer.from(options.auth).toString('base64')}` } : {};
  const { ca, cert, key, rejectUnauthorized, servername } = options as Access['tls'];
  return {
    server: cluster.server,
    headers: { ...(options.headers as Record<string, string> | undefined), ...basic },
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

function explain({ context, user }: Entry, cause: unknown): Failure {
  const plugin = user?.exec as Plugin | null | undefined;
  const facts = { where: `context ${context.name}`, detail: wordsOf(cause), cause };
  if (!plugin)
    return new Failure('unreachable', `the credentials of the context ${context.name} can't be used`, {
      ...facts,
      next: `see whether kubectl can use them: kubectl --context ${context.name} get --raw /readyz`,
    });
  if ((cause as { code?: string }).code === 'ENOENT')
    return new Failure('unreachable', `the credential plugin ${plugin.command ?? ''} was not found`, {
      ...facts,
      next: plugin.installHint ?? 'install it, or put it into PATH: the kubeconfig asks it who you are',
    });
  // Not by hand: its arguments may hold a secret (`--oidc-client-secret=…`), and are not ours to print.
  return new Failure('unreachable', `the credential plugin ${plugin.command ?? ''} failed`, {
    ...facts,
    next: `see whether kubectl can use it: kubectl --context ${context.name} get --raw /readyz`,
  });
}

/** What a parser says of JSON that is broken quotes it, and a plugin prints a token. */
function wordsOf(cause: unknown): string {
  if (cause instanceof SyntaxError) return 'what it printed is not JSON';
  return cause instanceof Error ? cause.message.trim() : String(cause);
}
