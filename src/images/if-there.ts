import { Failure } from '../errors.ts';
import { isGone } from '../lib/if-gone.ts';

/** @returns a handler that turns "it is not there any more" into undefined, and all else into a Failure. */
export function unlessGone(path: string): (error: NodeJS.ErrnoException) => undefined {
  return (error) => {
    if (isGone(error)) return undefined;
    throw new Failure('build', `can't read a file of the build context: ${error.code ?? error.message}`, {
      where: path,
      next: 'make it readable, or name it in .dockerignore',
      cause: error,
    });
  };
}

/** @returns undefined when the path is gone. @throws Failure `build` when `use` fails otherwise. */
export function ifThere<T>(path: string, use: () => T): T | undefined {
  try {
    return use();
  } catch (error) {
    return unlessGone(path)(error as NodeJS.ErrnoException);
  }
}
