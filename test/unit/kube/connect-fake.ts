import { HttpKube, type Timing } from '../../../src/kube/http-kube.ts';

/** Short enough for a test to wait for, long enough for a loaded machine. */
const quick: Timing = {
  watch: { idleMs: 400 },
  heartbeat: { everyMs: 40, limitMs: 200 },
  ports: { idleMs: 50, holdEndMs: 50, refusedMs: 50 },
};
const slow: Timing = {
  watch: { idleMs: 60_000 },
  heartbeat: { everyMs: 60_000, limitMs: 60_000 },
  ports: { idleMs: 60_000, holdEndMs: 60_000, refusedMs: 60_000 },
};

/** A client for a fake on this port, or behind a proxy on it. */
export function connectFake(port: number, timing: 'quick' | 'slow' = 'slow'): HttpKube {
  const server = `http://127.0.0.1:${port}`;
  const target = { context: 'fake', server, namespace: 'default' };
  return new HttpKube(target, async () => ({ server, headers: {}, tls: {} }), timing === 'quick' ? quick : slow);
}

/** @returns a promise, and the function that settles it: for tests that wait for a condition. */
export function gate<T = void>(): { readonly passed: Promise<T>; readonly open: (value: T) => void } {
  let open: (value: T) => void = () => {};
  const passed = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}
