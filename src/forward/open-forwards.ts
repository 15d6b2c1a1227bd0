import { asFailure, Failure, Failures, formatPosition } from '../errors.ts';
import type { Endpoint, Reporter } from '../events.ts';
import { singleFlight } from '../lib/single-flight.ts';
import type { Kube } from '../kube/kube.ts';
import { formatId } from '../objects.ts';
import type { Forward } from '../project.ts';
import { localOf } from './listen.ts';
import { LocalPort } from './local-port.ts';
import type { ForwardCluster } from './surroundings.ts';
import { Whereabouts } from './whereabouts.ts';

const defaultHoldMs = 30_000;

/**
 * The local ports of a command, for as long as it runs. They stay open while pods come and go, the config is read again and
 * manifests change; disposing closes them and every connection.
 */
export interface Forwards extends AsyncDisposable {
  readonly endpoints: readonly Endpoint[];

  /**
   * Makes the open ports those of `rules`. A rule that was there keeps its port and its connections; one that is gone
   * loses both. Ports of fixed numbers are opened before those that are chosen.
   *
   * @throws Failures `usage` for every port that can't be opened; then all is as it was.
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
}

/** Forwards without a port: `update` opens them, before there is anything behind them. */
export function openForwards({ report, holdMs = defaultHoldMs }: OpenForwardsOptions): Forwards {
  return new OpenForwards(report, holdMs);
}

class OpenForwards implements Forwards {
  readonly #report: Reporter;
  readonly #holdMs: number;
  readonly #whereabouts = new Whereabouts();
  /** One at a time: the config and the manifests may change at once. */
  readonly #apply = singleFlight(() => this.#applyRules());
  #wanted: readonly Forward[] = [];
  #ports: readonly LocalPort[] = [];

  constructor(report: Reporter, holdMs: number) {
    this.#report = report;
    this.#holdMs = holdMs;
  }

  get endpoints(): readonly Endpoint[] {
    return this.#ports.map(({ endpoint }) => endpoint);
  }

  async update(rules: readonly Forward[]): Promise<void> {
    this.#wanted = rules;
    await this.#apply();
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
    await Promise.all(this.#ports.map((port) => port[Symbol.asyncDispose]()));
    this.#ports = [];
    await this.#whereabouts[Symbol.asyncDispose]();
  }

  async #applyRules(): Promise<void> {
    const ports = this.#portsFor(this.#wanted);
    const added = ports.filter((port) => !this.#ports.includes(port));
    const gone = this.#ports.filter((port) => !ports.includes(port));
    // A port may go from one rule to another; the connections of the first end when that is certain.
    for (const port of gone) port.pause();
    const failures = await this.#openAll(added);
    const [first, ...rest] = failures;
    if (first) {
      await Promise.all(added.map((port) => port[Symbol.asyncDispose]()));
      await Promise.all(gone.map((port) => port.open()));
      throw new Failures([first, ...rest]);
    }
    this.#ports = ports;
    for (const { rule, port } of gone) this.#report({ type: 'forward.closed', ...factsOf(rule), local: port });
    for (const { rule, port, because } of added)
      this.#report({ type: 'forward.listening', ...factsOf(rule), local: port, ...(because && { because }) });
    await Promise.all(gone.map((port) => port[Symbol.asyncDispose]()));
  }

  /** @returns a port for each rule: the one that it has, unless that was chosen and another rule names it now. */
  #portsFor(rules: readonly Forward[]): readonly LocalPort[] {
    const fixed = new Set(rules.map(localOf).filter((local) => local !== 'auto'));
    const left = [...this.#ports];
    const options = { whereabouts: this.#whereabouts, report: this.#report, holdMs: this.#holdMs };
    return rules.map((rule) => {
      const key = keyOf(rule);
      const index = left.findIndex((port) => keyOf(port.rule) === key);
      const [found] = index < 0 ? [] : left.splice(index, 1);
      const isKept = found && (localOf(rule) !== 'auto' || !fixed.has(found.port));
      return isKept ? found : new LocalPort(rule, options);
    });
  }

  async #openAll(ports: readonly LocalPort[]): Promise<readonly Failure[]> {
    const failures: Failure[] = [];
    const isChosen = ({ rule }: LocalPort) => localOf(rule) === 'auto';
    const opened: LocalPort[] = [];
    for (const port of [...ports.filter((each) => !isChosen(each)), ...ports.filter(isChosen)])
      try {
        await port.open();
        opened.push(port);
      } catch (error) {
        const rival = opened.find((each) => each.port === localOf(port.rule));
        failures.push(rival ? wantedTwice(rival, port) : asFailure(error));
      }
    return failures;
  }
}

/** Equal for rules that one port can serve, wherever they stand in the config. */
function keyOf(rule: Forward): string {
  const { target, port, address } = rule;
  return [target.namespace ?? '', formatId(target), port, localOf(rule), address].join(' ');
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
