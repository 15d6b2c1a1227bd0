import { Failure } from '../errors.ts';
import { parseConfigYaml } from '../lib/yaml.ts';

/** How an image gets from the engine to the cluster. */
export type Destination =
  /** Pushed to `push`, as the engine names the registry; nodes pull from `pull`, which may be another name of it. */
  | { readonly kind: 'push'; readonly push: string; readonly pull: string }
  /** Loaded into the nodes' own stores. */
  | { readonly kind: 'load' };

/** What a cluster says of its local registry, as `localRegistryHosting.v1` of KEP-1755. */
export interface Announced {
  /** As tools outside the cluster push to it: `localhost:5000`. */
  readonly host: string;
  /** As the container runtime of the nodes pulls from it: `k3d-registry:5000`; undefined where it is `host` too. */
  readonly hostFromContainerRuntime: string | undefined;
}

/**
 * Reads the ConfigMap `local-registry-hosting` of kube-public.
 * https://github.com/kubernetes/enhancements/tree/master/keps/sig-cluster-lifecycle/generic/1755-communicating-a-local-registry
 *
 * @returns undefined when it announces no registry. @throws Failure `usage` when what it says is no YAML.
 */
export function parseAnnounced(configMapData: Readonly<Record<string, string>>): Announced | undefined {
  const text = configMapData['localRegistryHosting.v1'];
  if (text === undefined) return undefined;
  const value = parseConfigYaml(text, 'kube-public/local-registry-hosting').value;
  if (typeof value !== 'object' || value === null) return undefined;
  const { host, hostFromContainerRuntime } = value as Partial<Record<string, unknown>>;
  if (typeof host !== 'string' || host === '') return undefined;
  return { host, hostFromContainerRuntime: nonEmpty(hostFromContainerRuntime) };
}

function nonEmpty(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/**
 * Decides the way of images: what the config says, else what the cluster announces, else loading on a k3d cluster.
 *
 * @throws Failure `usage` when there is none.
 */
export function resolveRegistry(options: {
  /** `k3d`, an address with or without a path, or undefined. */
  readonly registry: string | undefined;
  readonly announced: Announced | undefined;
  /** Whether images can be loaded into the nodes, or there are none. */
  readonly canLoad: boolean;
}): Destination {
  const { registry, announced, canLoad } = options;
  if (registry === 'k3d') return { kind: 'load' };
  if (registry !== undefined) return { kind: 'push', push: registry, pull: pullName(registry, announced) };
  if (announced) return { kind: 'push', push: announced.host, pull: pullName(announced.host, announced) };
  if (canLoad) return { kind: 'load' };
  throw new Failure('usage', 'there is no registry to push images to', {
    detail:
      'The cluster announces none (kube-public/local-registry-hosting), and images can be loaded into k3d nodes only.',
    next: 'name one in stormctl.yaml that you push to and the cluster pulls from: `registry: ADDRESS`',
  });
}

/** An address that is the announced one is pulled under the name that the nodes know. */
function pullName(registry: string, announced: Announced | undefined): string {
  const { host, path } = splitRegistry(registry);
  if (!announced?.hostFromContainerRuntime || !sameHost(host, announced.host)) return registry;
  return announced.hostFromContainerRuntime + path;
}

function splitRegistry(registry: string): { readonly host: string; readonly path: string } {
  const slash = registry.indexOf('/');
  return slash < 0 ? { host: registry, path: '' } : { host: registry.slice(0, slash), path: registry.slice(slash) };
}

function sameHost(one: string, other: string): boolean {
  const plain = (host: string) => (isLoopback(host) ? host.replace(/^.*(?=:\d+$)/, 'localhost') : host.toLowerCase());
  return plain(one) === plain(other);
}

/** @returns whether `host` or `host:port` is this machine. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/i.test(host);
}

/** @returns the image with the registry before it, unless it names one itself: a dot, a colon or `localhost` before its first slash. */
export function qualify(image: string, registry: string): string {
  return registryOf(image) === undefined ? `${registry.replace(/\/+$/, '')}/${image}` : image;
}

/** @returns the registry that an image names itself. https://github.com/distribution/reference */
function registryOf(image: string): string | undefined {
  const slash = image.indexOf('/');
  const first = image.slice(0, Math.max(slash, 0));
  return first === 'localhost' || /[.:]/.test(first) ? first : undefined;
}

/** @returns the names of an image where it is pushed to and where nodes pull it from. */
export function namesAt(
  image: string,
  { push, pull }: Extract<Destination, { kind: 'push' }>,
): { readonly push: string; readonly pull: string } {
  const qualified = qualify(image, push);
  return { push: qualified, pull: qualified.startsWith(`${push}/`) ? pull + qualified.slice(push.length) : qualified };
}
