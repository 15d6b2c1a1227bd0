/**
 * Makes a task that runs once at a time. A call while it runs starts one more run after it, shared by everybody who
 * asked meanwhile: each caller's run begins after its call, so it sees everything that was there at the call.
 */
export function singleFlight<T>(task: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> | undefined;
  let next: Promise<T> | undefined;
  const start = (): Promise<T> => {
    next = undefined;
    const run = task();
    running = run
      .catch(() => {})
      .finally(() => {
        if (!next) running = undefined;
      });
    return run;
  };
  return () => {
    if (!running) return start();
    next ??= running.then(start);
    return next;
  };
}
