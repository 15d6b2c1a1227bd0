import { run } from '../lib/process.ts';
import { type AuthEntry, type DockerConfig, type Environment, readDockerConfig } from './docker-config.ts';

/** Never printed, never logged. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** In place of user and password, where the registry gave one. */
  readonly identityToken: string | undefined;
}

/** Docker Hub is known by this key, whatever host is asked. https://docs.docker.com/reference/cli/docker/login/ */
const hubKey = 'https://index.docker.io/v1/';
const hubHosts = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

/**
 * What `docker login` stored for one registry: its own helper, else the store of all, else the config file itself. It is
 * read anew each time, so that a login during a session counts.
 *
 * @param host `localhost:5000`, `docker.io` …
 * @returns undefined when there is nothing for that host.
 * @throws Error when the helper that the config names can't be run or fails.
 */
export async function findCredentials(
  env: Environment,
  host: string,
  signal?: AbortSignal,
): Promise<Credentials | undefined> {
  const config = readDockerConfig(env);
  const key = hubHosts.has(host) ? hubKey : host;
  const helper = config.credHelpers?.[key] ?? config.credHelpers?.[host] ?? config.credsStore;
  const stored = helper ? await askHelper(env, helper, key, signal) : undefined;
  return stored ?? fromFile(config, key);
}

/** The protocol of https://github.com/docker/docker-credential-helpers: the host on stdin, JSON on stdout. */
async function askHelper(
  env: Environment,
  helper: string,
  key: string,
  signal: AbortSignal | undefined,
): Promise<Credentials | undefined> {
  const program = `docker-credential-${helper}`;
  const answer = await run(program, ['get'], { input: key, env, ...(signal && { signal }) });
  const text = answer.stdout.toString('utf8').trim();
  if (answer.exitCode !== 0) {
    if (text.includes('credentials not found')) return undefined;
    throw new Error(`${program} failed: ${text || answer.stderr.trim() || `exit code ${answer.exitCode}`}`);
  }
  const { Username = '', Secret = '' } = parseAnswer(program, text);
  if (Username === '<token>') return { username: '', password: '', identityToken: Secret };
  return { username: Username, password: Secret, identityToken: undefined };
}

function parseAnswer(program: string, text: string): { readonly Username?: string; readonly Secret?: string } {
  try {
    return JSON.parse(text) as { Username?: string; Secret?: string };
  } catch {
    // The parser's message quotes the text, and that holds the secret.
    throw new Error(`${program} failed: what it printed is not JSON`);
  }
}

function fromFile(config: DockerConfig, key: string): Credentials | undefined {
  const auths = Object.entries(config.auths ?? {});
  const entry = auths.find(([name]) => name === key) ?? auths.find(([name]) => hostOf(name) === hostOf(key));
  return entry && decode(entry[1]);
}

function decode({ auth, identitytoken }: AuthEntry): Credentials | undefined {
  if (!auth && !identitytoken) return undefined;
  const text = Buffer.from(auth ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return {
    username: text.slice(0, Math.max(colon, 0)),
    password: text.slice(colon + 1).replace(/\0+$/, ''),
    identityToken: identitytoken || undefined,
  };
}

/** Old configs have `https://registry.example/v1/` where new ones have the host. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
}
