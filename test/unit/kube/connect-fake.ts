import { HttpKube, type Timing } from '../../../src/kube/http-kube.ts';

/** Short enough for a test to wait for, long enough for a loaded machine. */
const quick: Timing = {
  watch: { idleMs: 400 },
  logs: { idleMs: 100 },
  heartbeat: { everyMs: 40, limitMs: 200 },
  sleep: { everyMs: 20, gapMs: 60_000, now: Date.now },
  ports: { idleMs: 50, holdEndMs: 50, refusedMs: 50 },
};
const slow: Timing = {
  watch: { idleMs: 60_000 },
  logs: { idleMs: 60_000 },
  heartbeat: { everyMs: 60_000, limitMs: 60_000 },
  sleep: { everyMs: 60_000, gapMs: 60_000, now: Date.now },
  ports: { idleMs: 60_000, holdEndMs: 60_000, refusedMs: 60_000 },
};

/** A client for a fake on this port, or behind a proxy on it. */
export function connectFake(port: number, timing: 'quick' | 'slow' = 'slow'): HttpKube {
  const server = `http://127.0.0.1:${port}`;
  const target = { context: 'fake', server, namespace: 'default' };
  return new HttpKube(
    target,
    async () => ({ server, headers: {}, tls: {}, login: 'log in again' }),
    timing === 'quick' ? quick : slow,
  );
}

/** A client whose machine sleeps when `sleep` is called. */
export function connectSleepy(port: number): { readonly kube: HttpKube; readonly sleep: () => void } {
  const server = `http://127.0.0.1:${port}`;
  let ahead = 0;
  const sleep = { everyMs: 5, gapMs: 3_600_000, now: () => Date.now() + ahead };
  const target = { context: 'fake', server, namespace: 'default' };
  return {
    kube: new HttpKube(target, async () => ({ server, headers: {}, tls: {}, login: 'log in again' }), {
      ...slow,
      sleep,
    }),
    sleep: () => {
      ahead += 2 * sleep.gapMs;
    },
  };
}

/** @returns a promise, and the function that settles it: for tests that wait for a condition. */
export function gate<T = void>(): { readonly passed: Promise<T>; readonly open: (value: T) => void } {
  let open: (value: T) => void = () => {};
  const passed = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}
