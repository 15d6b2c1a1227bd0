import { Failure, Failures } from '../errors.ts';

/**
 * Awaits all of them, also when one has failed: nothing is left running. @returns their values.
 * @throws the first error that is no Failure (an abort, a bug), else a Failures with every one.
 */
export async function allOrFailures<T extends readonly unknown[]>(
  tasks: readonly [...{ [K in keyof T]: Promise<T[K]> }],
): Promise<T> {
  const results = await Promise.allSettled<unknown>(tasks as readonly Promise<unknown>[]);
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  const failures = errors.flatMap((error) => (error instanceof Failure ? flatten(error) : []));
  const other = errors.find((error) => !(error instanceof Failure));
  if (other !== undefined) throw other;
  const [first, ...rest] = failures;
  if (first) throw new Failures([first, ...rest]);
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as unknown as T;
}

function flatten(failure: Failure): readonly Failure[] {
  return failure instanceof Failures ? failure.all : [failure];
}
