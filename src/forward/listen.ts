import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { asFailure, Failure, formatPosition } from '../errors.ts';
import { formatId } from '../objects.ts';
import type { Forward } from '../project.ts';
import { candidatePorts } from './candidate-ports.ts';
import { describeHolders } from './port-holder.ts';

/** Of each client's socket: with the default of 16 KiB a fast transfer would stop and go on at every piece. */
const highWaterMark = 256 * 1024;

export interface Listener {
  readonly servers: readonly Server[];
  readonly port: number;
  /** Why it is not the port that the rule prefers. */
  readonly because: string | undefined;
}

/**
 * Listens on the local port of a rule; `localhost` is both 127.0.0.1 and, where the machine has it, ::1.
 *
 * @throws the system's error, which `explainListening` puts into words.
 */
export async function listen(rule: Forward, onConnection: (client: Socket) => void): Promise<Listener> {
  const fixed = localOf(rule);
  if (fixed !== 'auto') return { ...(await listenOnAll(rule.address, fixed, onConnection)), because: undefined };
  const { preferred } = rule;
  let because: string | undefined;
  if (preferred !== undefined)
    try {
      return { ...(await listenOnAll(rule.address, preferred, onConnection)), because };
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      because =
        codeOf(error) === 'EACCES'
          ? `${preferred} may not be opened by this user`
          : `${preferred} is taken${await describeHolders(preferred, rule.address)}`;
    }
  return { ...(await listenOnFree(rule, onConnection)), because };
}

/** @returns the local port that a rule asks for. */
export function localOf({ local, port }: Forward): number | 'auto' {
  return local ?? (typeof port === 'number' ? port : 'auto');
}

/** Takes no connection any more; those that are there stay. */
export function stopListening({ servers }: Listener): void {
  for (const server of servers) server.close();
}

type Opened = Pick<Listener, 'servers' | 'port'>;

async function listenOnFree(rule: Forward, onConnection: (client: Socket) => void): Promise<Opened> {
  const { target, port, address } = rule;
  const candidates = candidatePorts([target.namespace ?? '', formatId(target), port].join(' '));
  for (const [index, candidate] of candidates.entries())
    try {
      return await listenOnAll(address, candidate, onConnection);
    } catch (error) {
      if (!isUnavailable(error) || index === candidates.length - 1) throw error;
    }
  throw new Failure('bug', 'no port was tried');
}

async function listenOnAll(address: string, port: number, onConnection: (client: Socket) => void): Promise<Opened> {
  if (address !== 'localhost') return listenOn(address, port, onConnection);
  const four = await listenOn('127.0.0.1', port, onConnection);
  try {
    const six = await listenOn('::1', four.port, onConnection);
    return { servers: [...four.servers, ...six.servers], port: four.port };
  } catch (error) {
    if (['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(codeOf(error) ?? '')) return four;
    for (const server of four.servers) server.close();
    throw error;
  }
}

function listenOn(host: string, port: number, onConnection: (client: Socket) => void): Promise<Opened> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark }, onConnection);
    server.once('error', reject);
    // As many may wait to be accepted as the system lets: a browser or a pool opens dozens at once.
    server.listen({ host, port, backlog: 4096 }, () => {
      server.off('error', reject);
      // Out of file descriptors: this connection is lost, and the listener goes on.
      server.on('error', () => {});
      resolve({ servers: [server], port: (server.address() as AddressInfo).port });
    });
  });
}

/** @returns why a port could not be listened on: taken (by whom), not allowed, or the address is not this machine's. */
export async function explainListening(rule: Forward, cause: unknown): Promise<Failure> {
  const port = portOf(cause) ?? localOf(rule);
  const where = rule.at && formatPosition(rule.at);
  const to = formatId(rule.target);
  const other = rule.at
    ? 'give the forward another `local` port (`local: auto` picks a free one)'
    : `name another local port before it (${to}:auto:${rule.port} picks a free one)`;
  switch (codeOf(cause)) {
    case 'EADDRINUSE':
      return new Failure('usage', `port ${port} is taken${await describeHolders(Number(port), rule.address)}`, {
        where,
        detail: `it is wanted for the forward to ${to}`,
        next: `stop that process, or ${other}, or shift all of them with --port-offset`,
        cause,
      });
    case 'EACCES':
      return new Failure('usage', `port ${port} may not be opened by this user`, {
        where,
        detail: 'ports below 1024 are for root, or from net.ipv4.ip_unprivileged_port_start on',
        next: other,
        cause,
      });
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EINVAL':
      return new Failure('usage', `${rule.address} is no address of this machine`, {
        where,
        next: 'use 127.0.0.1, ::1, localhost, or 0.0.0.0 for all',
        cause,
      });
    default:
      return asFailure(cause);
  }
}

function isUnavailable(error: unknown): boolean {
  return ['EADDRINUSE', 'EACCES'].includes(codeOf(error) ?? '');
}

function portOf(error: unknown): number | undefined {
  return error instanceof Error ? (error as { readonly port?: number }).port : undefined;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}
