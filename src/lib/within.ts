import { Scope } from './scope.ts';
import { wait } from './wait.ts';

/**
 * Gives a task a limit. Its signal is aborted when the time is over, and it has ended when this resolves.
 * @returns undefined when the time was over first. @throws what the task throws; AbortError.
 */
export async function within<T>(
  ms: number,
  task: (signal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T | undefined> {
  const scope = signal ? new Scope(signal) : new Scope();
  const done = task(scope.signal);
  const late = wait(ms, scope.signal).then(() => undefined);
  try {
    return await Promise.race([done, late]);
  } finally {
    await scope[Symbol.asyncDispose]();
    await Promise.allSettled([done, late]);
  }
}
