import { Failure } from '../errors.ts';
import { nearest } from '../lib/nearest.ts';

/** @returns a Failure `usage` for each name that is none of the services and workloads `known`, with the nearest of them. */
export function unknownSources(names: readonly string[], known: readonly string[]): Failure[] {
  return names
    .filter((name) => !known.includes(name))
    .map((name) => {
      const near = nearest(name, known);
      return new Failure('usage', `there is no service or workload ${name}`, {
        next: near ? `did you mean ${near}?` : whatThereIs(known),
      });
    });
}

function whatThereIs(known: readonly string[]): string {
  if (known.length === 0) return 'the project has neither: leave the name out, or add it to stormctl.yaml';
  return `there are: ${[...new Set(known)].join(', ')}`;
}
