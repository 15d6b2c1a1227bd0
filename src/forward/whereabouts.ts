import type { Kube } from '../kube/kube.ts';
import { Scope } from '../lib/scope.ts';
import { GonePods } from './gone-pods.ts';
import { type ForwardCluster, Surroundings } from './surroundings.ts';

/**
 * Where new connections lead now: a session that reads its config again leaves one cluster's client and takes another, while
 * connections through the first go on. A client that was left is ended with its last connection.
 */
export class Whereabouts implements AsyncDisposable {
  /** Of those that connections lead to, whichever client they were made by. */
  readonly gonePods = new GonePods((task) => this.#look(task));
  readonly #listeners = new Set<() => void>();
  /** How many connections lead through each client. */
  readonly #users = new Map<Kube, number>();
  readonly #left = new Set<Kube>();
  readonly #scope = new Scope();
  readonly #errors: unknown[] = [];
  #current: Surroundings | undefined;

  /** undefined: nowhere yet, or not at the moment. */
  get current(): Surroundings | undefined {
    return this.#current;
  }

  /** From now on connections lead into `cluster`. */
  enter(cluster: ForwardCluster): void {
    this.#drop();
    const surroundings = this.#scope.own(new Surroundings(cluster));
    surroundings.onChange(() => this.#tell());
    this.#current = surroundings;
    this.gonePods.follow(surroundings);
    this.#tell();
  }

  /** New connections wait for another cluster; `kube` becomes ours, to end when nothing leads through it. */
  async leave(kube: Kube): Promise<void> {
    if (this.#current?.cluster.kube === kube) this.#drop();
    this.#left.add(kube);
    if (!this.#users.has(kube)) await this.#end(kube);
  }

  /** Calls back when something may have changed. @returns the function that ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Counts a connection. @returns the function that tells its end. */
  hold({ cluster: { kube } }: Surroundings): () => void {
    this.#users.set(kube, (this.#users.get(kube) ?? 0) + 1);
    return () => {
      const left = (this.#users.get(kube) ?? 1) - 1;
      if (left > 0) {
        this.#users.set(kube, left);
        return;
      }
      this.#users.delete(kube);
      if (this.#left.has(kube)) this.#later(() => this.#end(kube));
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#current = undefined;
    this.gonePods.follow(undefined);
    await this.#scope[Symbol.asyncDispose]();
    for (const kube of this.#left) await this.#end(kube);
    if (this.#errors.length > 0) throw this.#errors[0];
  }

  /** Its error is thrown at the end. */
  #later(end: () => Promise<void>): void {
    this.#scope.run(end, (error) => this.#errors.push(error));
  }

  async #end(kube: Kube): Promise<void> {
    if (this.#left.delete(kube)) await kube[Symbol.asyncDispose]();
  }

  #drop(): void {
    const old = this.#current;
    this.#current = undefined;
    this.gonePods.follow(undefined);
    if (old) this.#later(() => old[Symbol.asyncDispose]());
  }

  /** A cluster that does not show a pod, or is left meanwhile, says nothing about it. */
  #look(task: () => Promise<void>): void {
    this.#scope.run(task, () => {});
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
