import type { Socket } from 'node:net';
import type { Endpoint, Reporter } from '../events.ts';
import { Scope } from '../lib/scope.ts';
import { formatId } from '../objects.ts';
import type { Forward } from '../project.ts';
import { serveClient } from './connection.ts';
import type { ForwardCluster } from './find-upstream.ts';
import { close, listen } from './listen.ts';

const defaultHoldMs = 30_000;

/** The session's local ports. They stay open while pods come and go; disposing closes them and every connection. */
export interface Forwards extends AsyncDisposable {
  readonly endpoints: readonly Endpoint[];
  /** From now on connections lead into `cluster`, those too that wait already. Called again, new ones lead to the new. */
  serve(cluster: ForwardCluster): void;
}

export interface OpenForwardsOptions {
  readonly report: Reporter;
  /** How long a client waits while there is no ready pod, or no cluster yet. Default: 30 s. */
  readonly holdMs?: number;
}

/**
 * Opens the local ports of all rules, before there is anything behind them: a port that is taken is an error at once,
 * never a silent move to another.
 *
 * @throws Failure `usage` for the first port that can't be opened; those opened before it are closed again.
 */
export async function openForwards(rules: readonly Forward[], options: OpenForwardsOptions): Promise<Forwards> {
  const forwards = new OpenForwards(options);
  try {
    for (const rule of rules) await forwards.open(rule);
    return forwards;
  } catch (error) {
    await forwards[Symbol.asyncDispose]();
    throw error;
  }
}

class OpenForwards implements Forwards {
  readonly endpoints: Endpoint[] = [];
  readonly #scope = new Scope();
  readonly #report: Reporter;
  readonly #holdMs: number;
  /** Why each rule's last client got no answer, so that one that tries for ever is told of once. */
  readonly #refusals = new Map<Forward, string>();
  #cluster: Promise<ForwardCluster>;
  #resolveCluster: (cluster: ForwardCluster) => void = () => {};

  constructor({ report, holdMs = defaultHoldMs }: OpenForwardsOptions) {
    this.#report = report;
    this.#holdMs = holdMs;
    this.#cluster = new Promise((resolve) => {
      this.#resolveCluster = resolve;
    });
  }

  async open(rule: Forward): Promise<void> {
    const local = { port: 0 };
    const listener = await listen(rule, (client) => this.#accept(client, rule, local.port));
    local.port = listener.port;
    this.#scope.own(listener, close);
    const { port, address } = rule;
    const to = formatId(rule.target);
    this.endpoints.push({ name: to, url: urlOf(rule, listener.port) });
    this.#report({ type: 'forward.listening', to, port, address, local: listener.port });
  }

  serve(cluster: ForwardCluster): void {
    this.#resolveCluster(cluster);
    this.#cluster = Promise.resolve(cluster);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }

  #accept(client: Socket, rule: Forward, local: number): void {
    // A client that breaks off closes too, and that is what is looked at.
    client.on('error', () => {});
    const refuse = (because: string | undefined) => {
      if (because === undefined) this.#refusals.delete(rule);
      if (because === undefined || this.#refusals.get(rule) === because) return;
      this.#refusals.set(rule, because);
      this.#report({ type: 'forward.refused', to: formatId(rule.target), port: rule.port, local, because });
    };
    this.#scope.run(
      async (signal) =>
        refuse(await serveClient(client, { rule, cluster: this.#cluster, holdMs: this.#holdMs, signal })),
      (error) => refuse(error instanceof Error ? error.message : String(error)),
    );
  }
}

/** What a person can open, or give to a client of that protocol. */
function urlOf({ address, port }: Forward, local: number): string {
  const schemes: Readonly<Record<string, string>> = {
    3306: 'mysql',
    4222: 'nats',
    5432: 'postgres',
    5672: 'amqp',
    6379: 'redis',
    27017: 'mongodb',
  };
  const isLoopback = ['127.0.0.1', '::1', 'localhost', '0.0.0.0', '::'].includes(address);
  const host = isLoopback ? 'localhost' : address.includes(':') ? `[${address}]` : address;
  return `${schemes[port] ?? 'http'}://${host}:${local}`;
}
