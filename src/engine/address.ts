import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../errors.ts';
import { dockerConfigFolder, type Environment, readDockerConfig, readJson } from './docker-config.ts';

/** Where the engine answers, and who said so. */
export interface EngineAddress {
  /** As the user would write it: `unix:///var/run/docker.sock`, `tcp://build.example:2376`. */
  readonly endpoint: string;
  /** `DOCKER_HOST`, `the docker context "x" (DOCKER_CONTEXT)` …, for messages. */
  readonly chosenBy: string;
  readonly route: SocketRoute | TcpRoute;
}

interface SocketRoute {
  readonly kind: 'socket';
  readonly path: string;
}

export interface TcpRoute {
  readonly kind: 'tcp';
  readonly host: string;
  readonly port: number;
  /** undefined: plain HTTP. */
  readonly tls: TlsMaterial | undefined;
}

/** PEM texts. */
interface TlsMaterial {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Whether the engine's certificate is checked. */
  readonly verify: boolean;
}

interface ContextMeta {
  readonly Endpoints?: { readonly docker?: { readonly Host?: string; readonly SkipTLSVerify?: boolean } };
}

const defaultEndpoint = 'unix:///var/run/docker.sock';

/**
 * Finds the engine as the docker CLI does: DOCKER_HOST, then DOCKER_CONTEXT, then `currentContext` of the docker
 * config, then the default socket. https://docs.docker.com/engine/manage-resources/contexts/
 *
 * @throws Failure `unreachable` when what was chosen does not exist or is of a kind that stormctl can't use.
 */
export function findEngine(env: Environment): EngineAddress {
  const host = env['DOCKER_HOST'];
  if (host) return addressOf(host, 'DOCKER_HOST', tlsOf(env));
  const named = env['DOCKER_CONTEXT'];
  const context = named || readDockerConfig(env).currentContext;
  if (context && context !== 'default')
    return addressOfContext(env, context, named ? 'DOCKER_CONTEXT' : join(dockerConfigFolder(env), 'config.json'));
  return addressOf(defaultEndpoint, 'default: no DOCKER_HOST and no docker context is set', undefined);
}

/** @returns the host of an engine on another machine; undefined for one on this machine, and where it can't be told. */
export function engineHostOf(env: Environment): string | undefined {
  try {
    const { endpoint } = findEngine(env);
    return endpoint.startsWith('tcp://') ? new URL(endpoint).hostname : undefined;
  } catch {
    // Who needs the engine is told what is wrong with its address.
    return undefined;
  }
}

function addressOfContext(env: Environment, name: string, source: string): EngineAddress {
  const folder = join(dockerConfigFolder(env), 'contexts');
  const id = createHash('sha256').update(name).digest('hex');
  const meta = readJson(join(folder, 'meta', id, 'meta.json')) as ContextMeta | undefined;
  const endpoint = meta?.Endpoints?.docker;
  if (!endpoint?.Host)
    throw new Failure('unreachable', `there is no docker context "${name}", which ${source} names`, {
      where: source,
      next: '`docker context ls` shows those that are there',
    });
  const tls = readTls(join(folder, 'tls', id, 'docker'), endpoint.SkipTLSVerify !== true);
  return addressOf(endpoint.Host, `the docker context "${name}" (${source})`, tls);
}

function addressOf(endpoint: string, chosenBy: string, tls: TlsMaterial | undefined): EngineAddress {
  const text = endpoint.includes('://') ? endpoint : `tcp://${endpoint}`;
  if (text.startsWith('unix://')) return { endpoint: text, chosenBy, route: { kind: 'socket', path: text.slice(7) } };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'tcp:' || url.hostname === '')
    throw new Failure('unreachable', `stormctl can't use the Docker engine at ${text} (${chosenBy})`, {
      detail: 'it understands unix:// and tcp://',
      next:
        url?.protocol === 'ssh:'
          ? 'forward its socket (`ssh -L ./docker.sock:/var/run/docker.sock HOST`) and set DOCKER_HOST=unix://$PWD/docker.sock'
          : 'set DOCKER_HOST to an address such as unix:///var/run/docker.sock or tcp://localhost:2376',
    });
  const port = url.port === '' ? (tls ? 2376 : 2375) : Number(url.port);
  return { endpoint: text, chosenBy, route: { kind: 'tcp', host: url.hostname.replace(/^\[|\]$/g, ''), port, tls } };
}

/** TLS goes with DOCKER_HOST only when DOCKER_TLS_VERIFY is set, to anything; its files are DOCKER_CERT_PATH's. */
function tlsOf(env: Environment): TlsMaterial | undefined {
  if (!env['DOCKER_TLS_VERIFY']) return undefined;
  return readTls(env['DOCKER_CERT_PATH'] || dockerConfigFolder(env), true) ?? noFiles;
}

const noFiles: TlsMaterial = { ca: undefined, cert: undefined, key: undefined, verify: true };

function readTls(folder: string, verify: boolean): TlsMaterial | undefined {
  const [ca, cert, key] = ['ca.pem', 'cert.pem', 'key.pem'].map((name) => {
    const file = join(folder, name);
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  });
  return (ca ?? cert ?? key) === undefined ? undefined : { ca, cert, key, verify };
}
