import type { KubeObject } from '../objects.ts';

/** @returns what the Secrets among the objects hold, decoded. Fields that the server would refuse are passed over. */
export function secretValues(objects: Iterable<KubeObject>): readonly Buffer[] {
  return [...objects]
    .filter(({ apiVersion, kind }) => apiVersion === 'v1' && kind === 'Secret')
    .flatMap((secret) => [
      ...textsOf(secret['data']).map((text) => Buffer.from(text, 'base64')),
      ...textsOf(secret['stringData']).map((text) => Buffer.from(text)),
    ]);
}

function textsOf(field: unknown): readonly string[] {
  if (typeof field !== 'object' || field === null) return [];
  return Object.values(field).filter((value): value is string => typeof value === 'string');
}
