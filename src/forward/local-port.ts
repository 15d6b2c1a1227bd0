import type { Socket } from 'node:net';
import type { Endpoint, Reporter } from '../events.ts';
import { Scope } from '../lib/scope.ts';
import { formatId } from '../objects.ts';
import type { Forward } from '../project.ts';
import { serveClient } from './connection.ts';
import { type Listener, listen, localOf, stopListening } from './listen.ts';
import { Refusals } from './refusals.ts';
import { urlOf } from './url-of.ts';
import type { Whereabouts } from './whereabouts.ts';

export interface LocalPortOptions {
  readonly whereabouts: Whereabouts;
  readonly report: Reporter;
  readonly holdMs: number;
}

/** The local port of one rule, and the clients that came by it. Disposing it closes both. */
export class LocalPort implements AsyncDisposable {
  readonly #options: LocalPortOptions;
  readonly #refusals: Refusals;
  #rule: Forward;
  #clients = new Scope();
  #listener: Listener | undefined;
  #served = 0;

  constructor(rule: Forward, options: LocalPortOptions) {
    this.#rule = rule;
    this.#options = options;
    const to = formatId(rule.target);
    const { port } = rule;
    this.#refusals = new Refusals((because, times) =>
      options.report({ type: 'forward.refused', to, port, local: this.port, because, times }),
    );
  }

  get rule(): Forward {
    return this.#rule;
  }

  get isOpen(): boolean {
    return this.#listener !== undefined;
  }

  /** 0 while it is not open. */
  get port(): number {
    return this.#listener?.port ?? 0;
  }

  /** Why it is not the port that the rule prefers. */
  get because(): string | undefined {
    return this.#listener?.because;
  }

  /** @throws what `listen` throws. */
  async open(): Promise<void> {
    this.#listener = await listen(this.rule, (client) => this.#accept(client));
  }

  /** Whether it can go on as it is when the rule becomes another one of the same target, port and address. */
  serves(rule: Forward): boolean {
    const local = localOf(rule);
    if (!this.isOpen) return local === localOf(this.rule);
    return local === 'auto' || local === this.port;
  }

  /** Goes on by a rule that it `serves`. */
  become(rule: Forward): void {
    this.#rule = rule;
  }

  /** Gives the port free for another, and keeps the clients that are there. */
  stopListening(): void {
    if (this.#listener) stopListening(this.#listener);
  }

  /** Closes every connection, and goes on taking new ones. */
  async cut(): Promise<void> {
    const clients = this.#clients;
    this.#clients = new Scope();
    await clients[Symbol.asyncDispose]();
  }

  /** What a person can open, or give to a client of that protocol. */
  get endpoint(): Endpoint {
    const { target, address, port, facts = {} } = this.rule;
    const isLocalhost = ['127.0.0.1', 'localhost', '0.0.0.0', '::'].includes(address);
    const host = isLocalhost ? 'localhost' : address.includes(':') ? `[${address}]` : address;
    const given = typeof port === 'number' ? { number: port } : { name: port };
    return { name: `${formatId(target)}:${port}`, url: urlOf({ ...facts, ...given }, host, this.port) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopListening();
    this.#refusals[Symbol.dispose]();
    await this.#clients[Symbol.asyncDispose]();
    const { target, port } = this.rule;
    const [to, connections] = [formatId(target), this.#served];
    if (connections > 0) this.#options.report({ type: 'forward.served', to, port, local: this.port, connections });
    this.#served = 0;
  }

  #accept(client: Socket): void {
    // A client that breaks off closes too, and that is what is looked at.
    client.on('error', () => {});
    const { rule } = this;
    this.#clients.run(
      async (signal) => {
        const end = await serveClient(client, { ...this.#options, rule, signal });
        if (end.kind === 'refused') this.#refusals.refused(end.because);
        if (end.kind !== 'served') return;
        this.#served++;
        this.#refusals.served();
      },
      (error) => this.#refusals.refused(error instanceof Error ? error.message : String(error)),
    );
  }
}
