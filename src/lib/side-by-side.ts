import { LinkedSignal } from './abort.ts';

/**
 * Runs a task for every item at once. The first failure aborts the others, and is thrown when all of them have ended:
 * nothing is left running.
 */
export async function sideBySide<T>(
  items: readonly T[],
  signal: AbortSignal,
  task: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  using either = new LinkedSignal(signal);
  const errors: unknown[] = [];
  await Promise.all(
    items.map((item) =>
      task(item, either.signal).catch((error: unknown) => {
        errors.push(error);
        either.abort(error);
      }),
    ),
  );
  if (errors.length > 0) throw errors[0];
}
