import { asFailure, Failure, Failures, formatPosition } from '../errors.ts';
import type { Endpoint, Reporter } from '../events.ts';
import type { Kube } from '../kube/kube.ts';
import { Scope } from '../lib/scope.ts';
import { singleFlight } from '../lib/single-flight.ts';
import { wait } from '../lib/wait.ts';
import { formatId } from '../objects.ts';
import type { Forward } from '../project.ts';
import { explainListening, localOf } from './listen.ts';
import { LocalPort } from './local-port.ts';
import type { ForwardCluster } from './surroundings.ts';
import { Whereabouts } from './whereabouts.ts';

const defaultHoldMs = 30_000;
const defaultRetryMs = 2000;

/**
 * The local ports of a command, for as long as it runs. They stay open while pods come and go, the config is read again and
 * manifests change; disposing closes them and every connection.
 */
export interface Forwards extends AsyncDisposable {
  readonly endpoints: readonly Endpoint[];

  /**
   * Makes the open ports those of `rules`. A rule that was there keeps its port and its connections, also when its number is
   * now given and was chosen before, or the reverse; one that is gone loses both. Ports of fixed numbers are opened before
   * those that are chosen. The first time all of them are opened or none; later, what can't be opened is told once, and
   * opened as soon as it can be.
   *
   * @throws Failures `usage`, the first time, for every port that can't be opened.
   */
  update(rules: readonly Forward[]): Promise<void>;

  /** From now on connections lead into `cluster`, those too that wait already. */
  serve(cluster: ForwardCluster): void;

  /** New connections wait for another cluster. The forwards end `kube`, with the last connection through it or by their own end. */
  leave(kube: Kube): Promise<void>;

  /** Closes every connection, and goes on taking new ones. */
  cut(): Promise<void>;
}

export interface OpenForwardsOptions {
  readonly report: Reporter;
  /** How long a client waits while there is no ready pod, or no cluster yet. Default: 30 s. */
  readonly holdMs?: number;
  /** How often a port that could not be opened is tried again. Default: 2 s. */
  readonly retryMs?: number;
}

/** Forwards without a port: `update` opens them, before there is anything behind them. */
export function openForwards(options: OpenForwardsOptions): Forwards {
  return new OpenForwards(options);
}

class OpenForwards implements Forwards {
  readonly #report: Reporter;
  readonly #holdMs: number;
  readonly #retryMs: number;
  readonly #whereabouts = new Whereabouts();
  readonly #retries = new Scope();
  /** One at a time: the config and the manifests may change at once. */
  readonly #apply = singleFlight(() => this.#applyRules());
  /** Those whose trouble was told. */
  readonly #told = new WeakSet<LocalPort>();
  #wanted: readonly Forward[] = [];
  #ports: readonly LocalPort[] = [];
  #isBegun = false;
  #isRetrying = false;

  constructor({ report, holdMs = defaultHoldMs, retryMs = defaultRetryMs }: OpenForwardsOptions) {
    this.#report = report;
    this.#holdMs = holdMs;
    this.#retryMs = retryMs;
  }

  get endpoints(): readonly Endpoint[] {
    return this.#ports.filter(({ isOpen }) => isOpen).map(({ endpoint }) => endpoint);
  }

  async update(rules: readonly Forward[]): Promise<void> {
    this.#wanted = rules;
    await this.#apply();
    this.#isBegun = true;
  }

  serve(cluster: ForwardCluster): void {
    this.#whereabouts.enter(cluster);
  }

  leave(kube: Kube): Promise<void> {
    return this.#whereabouts.leave(kube);
  }

  async cut(): Promise<void> {
    await Promise.all(this.#ports.map((port) => port.cut()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#retries[Symbol.asyncDispose]();
    await Promise.all(this.#ports.map((port) => port[Symbol.asyncDispose]()));
    this.#ports = [];
    await this.#whereabouts[Symbol.asyncDispose]();
  }

  async #applyRules(): Promise<void> {
    const ports = this.#portsFor(this.#wanted);
    const gone = this.#ports.filter((port) => !ports.includes(port));
    // A port may go from one rule to another.
    for (const port of gone) port.stopListening();
    const shut = ports.filter(({ isOpen }) => !isOpen);
    const troubles = await this.#openAll(ports);
    const [first, ...rest] = troubles;
    if (first && !this.#isBegun) {
      await Promise.all(ports.map((port) => port[Symbol.asyncDispose]()));
      throw new Failures([await first.explain(), ...(await Promise.all(rest.map(({ explain }) => explain())))]);
    }
    this.#ports = ports;
    for (const { rule, port, isOpen } of gone)
      if (isOpen) this.#report({ type: 'forward.closed', ...factsOf(rule), local: port });
    for (const port of shut) if (port.isOpen) this.#tellOpen(port);
    await Promise.all(gone.map((port) => port[Symbol.asyncDispose]()));
    await this.#tellTroubles(troubles);
    if (troubles.length > 0) this.#tryAgain();
  }

  #tellOpen({ rule, port, because, endpoint: { url } }: LocalPort): void {
    const late = this.#isBegun ? { late: true } : {};
    this.#report({
      type: 'forward.listening',
      ...factsOf(rule),
      local: port,
      url,
      ...(because && { because }),
      ...late,
    });
  }

  async #tellTroubles(troubles: readonly Trouble[]): Promise<void> {
    for (const { port, explain } of troubles) {
      if (this.#told.has(port)) continue;
      this.#told.add(port);
      const { kind, message, where, detail, next } = await explain();
      const patience = 'it is tried again until it can be opened, and all else goes on';
      this.#tell(
        new Failure(kind, message, { where, next, detail: detail === undefined ? patience : `${detail}\n${patience}` }),
      );
    }
  }

  #tryAgain(): void {
    if (this.#isRetrying) return;
    this.#isRetrying = true;
    this.#retries.run(
      async (signal) => {
        try {
          while (this.#ports.some(({ isOpen }) => !isOpen)) {
            await wait(this.#retryMs, signal);
            await this.#apply();
          }
        } finally {
          this.#isRetrying = false;
        }
      },
      (error) => this.#tell(asFailure(error)),
    );
  }

  /** @returns a port for each rule: the one that it has, unless that was chosen and another rule names it now. */
  #portsFor(rules: readonly Forward[]): readonly LocalPort[] {
    const fixed = new Set(rules.map(localOf).filter((local) => local !== 'auto'));
    const left = new Set(this.#ports);
    const options = { whereabouts: this.#whereabouts, report: this.#report, holdMs: this.#holdMs };
    const take = (rule: Forward): LocalPort => {
      const isChosen = localOf(rule) === 'auto';
      for (const port of left)
        if (isSame(port.rule, rule) && port.serves(rule) && !(isChosen && fixed.has(port.port))) {
          left.delete(port);
          port.become(rule);
          return port;
        }
      return new LocalPort(rule, options);
    };
    const taken = new Map(fixedFirst(rules, localOf).map((rule) => [rule, take(rule)]));
    return rules.flatMap((rule) => taken.get(rule) ?? []);
  }

  async #openAll(ports: readonly LocalPort[]): Promise<readonly Trouble[]> {
    const troubles: Trouble[] = [];
    for (const port of fixedFirst(
      ports.filter(({ isOpen }) => !isOpen),
      ({ rule }) => localOf(rule),
    ))
      try {
        await port.open();
      } catch (error) {
        const rival = ports.find((each) => each.isOpen && each.port === localOf(port.rule));
        const explain = async () => (rival ? wantedTwice(rival, port) : explainListening(port.rule, error));
        troubles.push({ port, explain });
      }
    return troubles;
  }

  #tell({ kind, message, where, detail, next }: Failure): void {
    this.#report({ type: 'failed', kind, message, where, detail, next });
  }
}

/** A port that is chosen must not be one that another rule names. */
function fixedFirst<T>(items: readonly T[], localIn: (item: T) => number | 'auto'): readonly T[] {
  const isFixed = (item: T) => localIn(item) !== 'auto';
  return [...items.filter(isFixed), ...items.filter((item) => !isFixed(item))];
}

interface Trouble {
  readonly port: LocalPort;
  /** Who has a port is looked for among all processes: only when it is told. */
  readonly explain: () => Promise<Failure>;
}

/** Whether rules lead to the same, wherever they stand in the config and whatever their local port is. */
function isSame(one: Forward, other: Forward): boolean {
  const [a, b] = [one.target, other.target];
  const isSamePlace = a.namespace === b.namespace || a.namespace === undefined || b.namespace === undefined;
  return (
    isSamePlace && a.kind === b.kind && a.name === b.name && one.port === other.port && one.address === other.address
  );
}

function wantedTwice({ port, rule }: LocalPort, { rule: other }: LocalPort): Failure {
  return new Failure('usage', `port ${port} is wanted for ${nameOf(rule)} and for ${nameOf(other)}`, {
    where: other.at && formatPosition(other.at),
    next: 'give one of them another local port; auto picks a free one',
  });
}

function nameOf({ target, port }: Forward): string {
  return `${formatId(target)}:${port}`;
}

function factsOf({ target, port, address }: Forward) {
  return { to: formatId(target), port, address };
}
