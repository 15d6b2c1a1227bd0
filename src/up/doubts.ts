import { formatPosition, type Position } from '../errors.ts';
import type { RawService } from '../forward/surroundings.ts';
import { ApiError, type Kube } from '../kube/kube.ts';
import { nearest } from '../lib/nearest.ts';
import { formatId, type KubeObject } from '../objects.ts';
import type { Forward, ForwardTarget } from '../project.ts';
import { namesLike, type NamedTarget, readTarget } from './read-target.ts';

export interface Doubt {
  readonly text: string;
  readonly next: string | undefined;
}

export interface DoubtOptions {
  /** What the manifests have. */
  readonly objects: readonly KubeObject[];
  readonly kube: Kube;
  readonly namespaceOf: (target: ForwardTarget) => string;
  readonly signal: AbortSignal;
}

/**
 * @returns a doubt about each forward of the config whose target neither the manifests nor the cluster have, or have without
 * that port. It may come later, so it is no error. @throws Failure `unreachable`; AbortError.
 */
export async function doubtsAbout(rules: readonly Forward[], options: DoubtOptions): Promise<readonly Doubt[]> {
  const doubts = await Promise.all(
    rules.flatMap((rule) => (rule.at === undefined ? [] : [doubtAbout(rule, rule.at, options)])),
  );
  return doubts.flatMap((doubt) => doubt ?? []);
}

async function doubtAbout({ target, port }: Forward, at: Position, options: DoubtOptions): Promise<Doubt | undefined> {
  const where = formatPosition(at);
  const named = { ...target, namespace: target.namespace ?? options.namespaceOf(target) };
  try {
    const object = findIn(options.objects, target) ?? (await readTarget(options.kube, named, options.signal));
    if (!object) return await missing(named, where, options);
    const ports = portsOf(object);
    if (ports.length === 0 || ports.some((each) => each.port === port || each.name === port)) return undefined;
    const listed = ports.map((each) => each.name ?? each.port).join(', ');
    return { text: `forward: ${formatId(target)} has no port ${port} (${where})`, next: `it has ${listed}` };
  } catch (error) {
    // What the account may not look at is not doubted.
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}

async function missing(named: NamedTarget, where: string, { objects, kube, signal }: DoubtOptions): Promise<Doubt> {
  const { kind, name, namespace } = named;
  const known = objects.filter((object) => object.kind === kind).map(({ metadata }) => metadata.name);
  const near = nearest(name, [...known, ...(await namesLike(kube, named, signal))]);
  return {
    text: `forward: ${formatId(named)} is neither in the manifests nor in namespace ${namespace} (${where})`,
    next: near === undefined ? 'connections wait until it is there' : `did you mean ${formatId({ kind, name: near })}?`,
  };
}

function findIn(objects: readonly KubeObject[], target: ForwardTarget): KubeObject | undefined {
  return objects.find(
    ({ kind, metadata: { name, namespace } }) =>
      kind === target.kind &&
      name === target.name &&
      (target.namespace === undefined || namespace === undefined || namespace === target.namespace),
  );
}

/** Of a Service; those of a pod need not be declared, so nothing can be said of them. */
function portsOf(object: KubeObject): NonNullable<NonNullable<RawService['spec']>['ports']> {
  return object.kind === 'Service' ? ((object as KubeObject & RawService).spec?.ports ?? []) : [];
}
