import type { WatchEvent, WatchRequest } from '../../../src/kube/kube.ts';
import { Channel } from '../../../src/lib/channel.ts';
import type { KubeObject } from '../../../src/objects.ts';
import { FakeKube } from '../../support/fake-kube.ts';

/** A cluster whose watch of pods says what the test says, word for word: cuts and lists that hide what happened. */
export class ScriptedKube extends FakeKube {
  readonly #events = new Map<string, Channel<WatchEvent>>();
  /** Watches that were begun and have not ended. */
  open = 0;

  say(namespace: string, event: WatchEvent): void {
    this.#of(`/api/v1/namespaces/${namespace}/pods`).push(event);
  }

  refuse(namespace: string, error: Error): void {
    this.#of(`/api/v1/namespaces/${namespace}/pods`).fail(error);
  }

  override async *watch({ path }: WatchRequest, signal: AbortSignal): AsyncGenerator<WatchEvent, void, void> {
    const events = this.#of(path);
    const abort = () => events.fail(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    this.open++;
    try {
      yield* events;
    } finally {
      this.open--;
      signal.removeEventListener('abort', abort);
    }
  }

  #of(path: string): Channel<WatchEvent> {
    const events = this.#events.get(path) ?? new Channel<WatchEvent>();
    this.#events.set(path, events);
    return events;
  }
}

/** A Pod that runs and is ready, with one container `main`. `extra` is laid over the metadata. */
export function podObject(name: string, extra: Record<string, unknown> = {}): KubeObject {
  const metadata = {
    name,
    namespace: 'storm',
    uid: `uid-${name}`,
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...extra,
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'web:1' }] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  };
}
