import { Failure } from '../errors.ts';
import { untilAborted } from '../lib/abort.ts';
import { nearest } from '../lib/nearest.ts';
import { groupPath } from './api-path.ts';
import { requestJson } from './json-request.ts';
import { isNotFound, type KubeResource } from './kube.ts';
import type { Transport } from './transport.ts';

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#unaggregated-discovery */
interface ApiResourceList {
  readonly resources: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[];
}

type Resources = ReadonlyMap<string, KubeResource>;

/** What kinds the API server knows. Each API version is asked for once, and again when a kind is missing from it. */
export class Discovery {
  readonly #transport: Transport;
  readonly #byVersion = new Map<string, Promise<Resources>>();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** @throws Failure `usage` when the cluster knows no such kind. */
  async find(apiVersion: string, kind: string, signal: AbortSignal | undefined): Promise<KubeResource> {
    const known = this.#byVersion.get(apiVersion);
    const cached = known && (await untilAborted(known, signal)).get(kind);
    if (cached) return cached;
    // A CustomResourceDefinition may have been applied since.
    const current = this.#byVersion.get(apiVersion);
    const resources = await untilAborted(
      current === undefined || current === known ? this.#ask(apiVersion) : current,
      signal,
    );
    const found = resources.get(kind);
    if (found) return found;
    const near = nearest(kind, [...resources.keys()]);
    throw new Failure('usage', `the cluster knows no kind ${kind} in ${apiVersion}`, {
      next: near
        ? `did you mean ${near}?`
        : 'see what it knows: kubectl api-resources. A kind of your own needs its CustomResourceDefinition first',
    });
  }

  #ask(apiVersion: string): Promise<Resources> {
    const asked = this.#read(apiVersion);
    this.#byVersion.set(apiVersion, asked);
    asked.catch(() => {
      if (this.#byVersion.get(apiVersion) === asked) this.#byVersion.delete(apiVersion);
    });
    return asked;
  }

  async #read(apiVersion: string): Promise<Resources> {
    try {
      const list = await requestJson<ApiResourceList>(this.#transport, { method: 'GET', path: groupPath(apiVersion) });
      // `pods/log` and its like are subresources, and some of them have the kind of their parent.
      const whole = list.resources.filter(({ name }) => !name.includes('/'));
      return new Map(whole.map(({ name, kind, namespaced }) => [kind, { apiVersion, kind, plural: name, namespaced }]));
    } catch (error) {
      if (isNotFound(error)) return new Map();
      throw error;
    }
  }
}
