import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { Failure, formatPosition } from '../errors.ts';
import { formatId } from '../objects.ts';
import type { Forward } from '../project.ts';
import { findHolders } from './port-holder.ts';

/** How often a free port is looked for that is free on both addresses of `localhost`. */
const freePortTries = 10;

export interface Listener {
  readonly servers: readonly Server[];
  readonly port: number;
}

/**
 * Listens on the local port of a rule; `localhost` is both 127.0.0.1 and, where the machine has it, ::1.
 *
 * @throws Failure `usage` when the port is taken (by whom), not allowed, or the address is not this machine's.
 */
export async function listen(rule: Forward, onConnection: (client: Socket) => void): Promise<Listener> {
  const wanted = rule.local ?? (typeof rule.port === 'number' ? rule.port : 'auto');
  const tries = wanted === 'auto' ? freePortTries : 1;
  for (let left = tries - 1; ; left--) {
    try {
      return await listenOnAll(rule.address, wanted === 'auto' ? 0 : wanted, onConnection);
    } catch (error) {
      if (left === 0 || codeOf(error) !== 'EADDRINUSE') throw await explain(rule, Number(wanted), error);
    }
  }
}

/** Closes the servers and resolves when the last of their connections is closed. */
export async function close({ servers }: Listener): Promise<void> {
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
}

async function listenOnAll(address: string, port: number, onConnection: (client: Socket) => void): Promise<Listener> {
  if (address !== 'localhost') return listenOn(address, port, onConnection);
  const four = await listenOn('127.0.0.1', port, onConnection);
  try {
    const six = await listenOn('::1', four.port, onConnection);
    return { servers: [...four.servers, ...six.servers], port: four.port };
  } catch (error) {
    if (['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(codeOf(error) ?? '')) return four;
    await close(four);
    throw error;
  }
}

function listenOn(host: string, port: number, onConnection: (client: Socket) => void): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, onConnection);
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      // Out of file descriptors: this connection is lost, and the listener goes on.
      server.on('error', () => {});
      resolve({ servers: [server], port: (server.address() as AddressInfo).port });
    });
  });
}

async function explain(rule: Forward, port: number, cause: unknown): Promise<unknown> {
  const where = formatPosition(rule.at);
  const to = formatId(rule.target);
  const other = 'give the forward another `local` port (`local: auto` picks a free one)';
  switch (codeOf(cause)) {
    case 'EADDRINUSE': {
      const holders = (await findHolders(port)).map(({ name, pid }) => `${name} (pid ${pid})`);
      const by = holders.length === 0 ? '' : ` by ${holders.join(' or ')}`;
      return new Failure('usage', `port ${port} is taken${by}`, {
        where,
        detail: `it is wanted for the forward to ${to}`,
        next: `stop that process, or ${other}`,
        cause,
      });
    }
    case 'EACCES':
      return new Failure('usage', `port ${port} may not be opened by this user`, {
        where,
        detail: 'ports below 1024 are for root, or from net.ipv4.ip_unprivileged_port_start on',
        next: other,
        cause,
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EINVAL':
      return new Failure('usage', `${rule.address} is no address of this machine`, {
        where,
        next: 'use 127.0.0.1, ::1, localhost, or 0.0.0.0 for all',
        cause,
      });
    default:
      return cause;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}
