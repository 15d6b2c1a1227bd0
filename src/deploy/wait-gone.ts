import { isNotFound, type Kube, LoginFailure, type WatchRequest } from '../kube/kube.ts';
import { Scope } from '../lib/scope.ts';
import { within } from '../lib/within.ts';

export interface Vanishing {
  /** The collection they are in. */
  readonly request: WatchRequest;
  /** Of the objects that have to go; one of the same name with another uid is not them. */
  readonly uids: ReadonlySet<string>;
}

/** Resolves when all of them have gone, told by watches. @throws what a watch ends with; AbortError. */
export async function waitGone(
  kube: Kube,
  vanishing: readonly Vanishing[],
  signal: AbortSignal,
  onGone: (uid: string) => void = () => {},
): Promise<void> {
  await using scope = new Scope(signal);
  await Promise.all(vanishing.map((each) => waitCollection(kube, each, scope.signal, onGone)));
}

/** @returns whether all of them have gone before the time is over. @throws as waitGone. */
export async function goneWithin(
  kube: Kube,
  vanishing: readonly Vanishing[],
  withinMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const isGone = async (limited: AbortSignal) => {
    await waitGone(kube, vanishing, limited);
    return true;
  };
  return (await within(withinMs, isGone, signal)) ?? false;
}

async function waitCollection(
  kube: Kube,
  { request, uids }: Vanishing,
  signal: AbortSignal,
  onGone: (uid: string) => void,
): Promise<void> {
  const left = new Set(uids);
  const drop = (gone: Iterable<string>) => {
    for (const uid of gone) if (left.delete(uid)) onGone(uid);
  };
  await using scope = new Scope(signal);
  try {
    for await (const event of kube.watch(request, scope.signal)) {
      if (event.type === 'lost' && event.cause instanceof LoginFailure) throw event.cause;
      if (event.type === 'gone') drop([event.object.metadata.uid ?? '']);
      if (event.type === 'list') {
        const there = new Set(event.objects.map(({ metadata }) => metadata.uid));
        drop([...left].filter((uid) => !there.has(uid)));
      }
      if (left.size === 0) return;
    }
  } catch (error) {
    // The kind itself has gone, and its objects with it.
    if (!isNotFound(error)) throw error;
    drop([...left]);
  }
  signal.throwIfAborted();
}
