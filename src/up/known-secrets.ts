import type { Reporter } from '../events.ts';
import { ApiError, isForbidden, isNotFound, type Kube } from '../kube/kube.ts';
import { isOutage } from '../kube/outage.ts';
import { untilAborted } from '../lib/abort.ts';
import type { Mask } from '../lib/mask.ts';
import { Scope } from '../lib/scope.ts';
import { singleFlight } from '../lib/single-flight.ts';
import { backoff, wait } from '../lib/wait.ts';
import { secretValues } from '../manifests/secret-values.ts';
import type { KubeObject } from '../objects.ts';
import type { PodState } from '../pods/pod-state.ts';

export interface KnownSecretsOptions {
  readonly kube: Kube;
  /** Whose Secrets are learned beside those that pods name; undefined: no others. */
  readonly labelSelector: string | undefined;
  readonly mask: Mask;
  /** Gets one warning for each namespace whose Secrets may not be read. */
  readonly report: Reporter;
  readonly signal: AbortSignal;
}

type Read = () => Promise<ReadonlySet<string>>;

const nothing: ReadonlySet<string> = new Set();

/**
 * Teaches a mask what Secrets in the cluster hold, again whenever it may have changed. What may not be read is left alone:
 * nothing waits for it. Disposing ends its watches and awaits them.
 */
export class KnownSecrets implements AsyncDisposable {
  readonly #options: KnownSecretsOptions;
  readonly #scope: Scope;
  /** By what is read: a reading that several wait for is one, and begins after each of them asked. */
  readonly #reads = new Map<string, Read>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #refused = new Set<string>();
  readonly #told = new Set<string>();

  constructor(options: KnownSecretsOptions) {
    this.#options = options;
    this.#scope = new Scope(options.signal);
  }

  /**
   * Resolves when the mask knows the values, as they are at this call or later, that a pod's containers may print: of the
   * Secrets with the label in its namespace, and of those that its spec names. A container that runs was given them before.
   * While the cluster does not answer it waits. @throws AbortError.
   */
  async learn({ namespace, secrets }: Pick<PodState, 'namespace' | 'secrets'>, signal: AbortSignal): Promise<void> {
    const listed = this.#options.labelSelector === undefined ? nothing : await this.#list(namespace, signal);
    const others = secrets.filter((name) => !listed.has(name));
    await Promise.all(others.map((name) => this.#get(namespace, name, signal)));
  }

  /** Learns, until the disposal, every change of the Secrets with the label: a program may read a mounted one anew. */
  watch(namespaces: readonly string[]): void {
    const { kube, labelSelector } = this.#options;
    if (labelSelector === undefined) return;
    for (const namespace of new Set(namespaces))
      this.#scope.run(
        async (signal) => {
          for await (const event of kube.watch({ path: pathOf(namespace), labelSelector }, signal))
            if (event.type === 'list') this.#take(event.objects);
            else if (event.type === 'set') this.#take([event.object]);
        },
        (error) => this.#refuse(namespace, error),
      );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
    await Promise.allSettled(this.#running);
  }

  #list(namespace: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
    const { kube, labelSelector } = this.#options;
    const request = { method: 'GET', path: pathOf(namespace), query: { labelSelector } } as const;
    return this.#share(namespace, pathOf(namespace), signal, async (signal) => {
      const { items } = await kube.request<{ items: readonly KubeObject[] | null }>({ ...request, signal });
      return this.#take(items ?? []);
    });
  }

  #get(namespace: string, name: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
    const path = `${pathOf(namespace)}/${encodeURIComponent(name)}`;
    return this.#share(namespace, path, signal, async (signal) =>
      this.#take([await this.#options.kube.request<KubeObject>({ method: 'GET', path, signal })]),
    );
  }

  /** The items of a typed list name neither their kind nor their version. @returns the names. */
  #take(secrets: readonly KubeObject[]): ReadonlySet<string> {
    this.#options.mask.learn(secretValues(secrets.map((each) => ({ ...each, apiVersion: 'v1', kind: 'Secret' }))));
    return new Set(secrets.map(({ metadata }) => metadata.name));
  }

  #share(
    namespace: string,
    path: string,
    signal: AbortSignal,
    read: (signal: AbortSignal) => ReturnType<Read>,
  ): ReturnType<Read> {
    if (this.#refused.has(path)) return Promise.resolve(nothing);
    let shared = this.#reads.get(path);
    if (!shared) {
      shared = singleFlight(() => {
        const answer = this.#answer(namespace, path, read).finally(() => this.#running.delete(answer));
        this.#running.add(answer);
        return answer;
      });
      this.#reads.set(path, shared);
    }
    return untilAborted(shared(), signal);
  }

  async #answer(
    namespace: string,
    path: string,
    read: (signal: AbortSignal) => ReturnType<Read>,
  ): Promise<ReadonlySet<string>> {
    const { signal } = this.#scope;
    const pauses = backoff(200, 5000);
    for (;;) {
      try {
        return await read(signal);
      } catch (error) {
        if (error instanceof ApiError) {
          if (error.status === 403) this.#refused.add(path);
          this.#refuse(namespace, error);
          return nothing;
        }
        if (!isOutage(error)) throw error;
      }
      await wait(pauses.next(), signal);
    }
  }

  #refuse(namespace: string, error: unknown): void {
    // One that is not there, which pods may name as optional, holds nothing.
    if (isNotFound(error) || this.#told.has(namespace)) return;
    this.#told.add(namespace);
    const why = isForbidden(error) ? 'they may not be read' : error instanceof Error ? error.message : String(error);
    this.#options.report({
      type: 'warning',
      text: `what the Secrets in ${namespace} hold is masked only as far as the manifests have it: ${why}`,
      next: isForbidden(error)
        ? 'give the account of this context `get`, `list` and `watch` on secrets there, or turn this off: `logs: { mask: false }`'
        : undefined,
    });
  }
}

function pathOf(namespace: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets`;
}
