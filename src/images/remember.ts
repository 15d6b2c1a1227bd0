import type { Reporter } from '../events.ts';
import type { Service } from '../project.ts';

/** Waits for a write to the cache; one that fails costs a build or a push next time, and is told. */
export async function remember(writing: Promise<void>, service: Service, report: Reporter): Promise<void> {
  await writing.catch((error: Error) => {
    report({
      type: 'warning',
      service: service.name,
      text: `can't remember this image in .stormctl: ${error.message}`,
      next: 'make the folder writable; until then the same work is done again',
    });
  });
}
