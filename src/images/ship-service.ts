import type { Engine } from '../engine/engine.ts';
import { Failure } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { askHttp } from '../lib/ask-http.ts';
import type { Service } from '../project.ts';
import type { BuiltService } from './build-service.ts';
import type { ImageCache } from './image-cache.ts';
import { type Destination, isLoopback, namesAt } from './registry.ts';
import { remember } from './remember.ts';

/** A registry on this machine answers in milliseconds; one that takes longer is asked by the push itself. */
const askMs = 2000;

const manifestTypes = [
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
].join(', ');

export interface ShipServiceRequest {
  readonly engine: Engine;
  readonly built: Pick<BuiltService, 'id'>;
  readonly service: Service;
  readonly destination: Destination;
  /** Names the cluster and the way there: what was shipped to one place says nothing of another. */
  readonly place: string;
  /** Loads an image of the engine into the cluster's nodes. */
  readonly loadImage: (reference: string, signal: AbortSignal) => Promise<void>;
  readonly images: ImageCache;
  readonly report: Reporter;
  readonly signal: AbortSignal;
}

/**
 * Brings an image to where the cluster finds it.
 *
 * @returns the reference that pods shall run, which never names another image: `NAME:stormctl-<12 of the id>@sha256:…`
 * where it is pushed (as `latest` too), `NAME:stormctl-<12 of the id>` where it is loaded.
 * @throws Failure `ship` that names the registry or node and what to do; AbortError.
 */
export async function shipService(request: ShipServiceRequest): Promise<string> {
  const { service, destination, report } = request;
  const start = performance.now();
  const { image, how } = destination.kind === 'push' ? await push(request, destination) : await load(request);
  const shipped = request.images.rememberShipped(service.name, request.place, image);
  await remember(shipped, service, report);
  report({ type: 'ship.done', service: service.name, image, how, ms: Math.round(performance.now() - start) });
  return image;
}

/** @returns the reference that a service's pods were last given in a place, if any was. */
export function lastShipped(images: ImageCache, service: Service, place: string): string | undefined {
  return images.findShipped(service.name, place);
}

interface Shipped {
  readonly image: string;
  readonly how: 'push' | 'load' | 'present';
}

function tagOf(id: string): string {
  return `stormctl-${id.replace(/^sha256:/, '').slice(0, 12)}`;
}

async function load({ engine, built, service, loadImage, signal }: ShipServiceRequest): Promise<Shipped> {
  const image = `${service.image}:${tagOf(built.id)}`;
  await engine.tag(built.id, image, signal);
  await loadImage(image, signal).catch(namingService(service));
  return { image, how: 'load' };
}

async function push(
  { engine, built, service, images, report, signal }: ShipServiceRequest,
  destination: Extract<Destination, { kind: 'push' }>,
): Promise<Shipped> {
  const names = namesAt(service.image, destination);
  const tag = tagOf(built.id);
  const reference = `${names.push}:${tag}`;
  const known = images.findPushed(reference);
  if (known !== undefined && (await isThere(engine, names.push, known, signal)))
    return { image: `${names.pull}:${tag}@${known}`, how: 'present' };

  await engine.tag(built.id, reference, signal);
  await engine.tag(built.id, `${names.push}:latest`, signal);
  const { digest } = await engine.push(reference, signal).catch(namingService(service));
  await engine.push(`${names.push}:latest`, signal).catch(namingService(service));
  await remember(images.rememberPushed(reference, digest), service, report);
  return { image: `${names.pull}:${tag}@${digest}`, how: 'push' };
}

/**
 * Asks a registry on this machine whether it has the manifest, and `latest` naming it. Any other registry, and one that
 * does not answer, is left to the push: it costs milliseconds when nothing is new, and says why when it fails.
 * https://distribution.github.io/distribution/spec/api/#existing-manifests
 */
async function isThere(engine: Engine, name: string, digest: string, signal: AbortSignal): Promise<boolean> {
  const slash = name.indexOf('/');
  const [host, path] = [name.slice(0, slash), name.slice(slash + 1)];
  // The loopback of an engine elsewhere is not ours.
  if (!isLoopback(host) || engine.endpoint.startsWith('tcp:')) return false;
  const digestAt = async (reference: string) => {
    const url = `http://${host}/v2/${path}/manifests/${reference}`;
    const head = { method: 'HEAD', headers: { accept: manifestTypes }, ms: askMs, signal } as const;
    const { status, headers } = await askHttp(url, head);
    return status === 200 ? headers['docker-content-digest'] : undefined;
  };
  try {
    return (await digestAt(digest)) === digest && (await digestAt('latest')) === digest;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

/** Puts the service before what the registry or node said. */
function namingService({ name }: Service): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof Failure) || error.kind !== 'ship') throw error;
    const { message, where, detail, next } = error;
    throw new Failure('ship', `${name}: ${message}`, { where, detail, next, cause: error });
  };
}
