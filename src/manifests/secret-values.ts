import { isRecord } from '../lib/is-record.ts';
import type { KubeObject } from '../objects.ts';

/**
 * @returns what the Secrets among the objects hold, decoded. What the server would refuse is among them, as it stands there
 * (a number, or a text under `data` that is no base64): the refusal quotes it.
 */
export function secretValues(objects: Iterable<KubeObject>): readonly Buffer[] {
  return [...objects]
    .filter(({ apiVersion, kind }) => apiVersion === 'v1' && kind === 'Secret')
    .flatMap((secret) => [
      ...textsOf(secret['data']).flatMap(decodedOrRaw),
      ...textsOf(secret['stringData']).map((text) => Buffer.from(text)),
    ]);
}

function decodedOrRaw(text: string): readonly Buffer[] {
  const decoded = Buffer.from(text, 'base64');
  // The server takes base64 with line breaks in it.
  const isBase64 = decoded.toString('base64') === text.replaceAll(/[\r\n]/g, '');
  return isBase64 ? [decoded] : [decoded, Buffer.from(text)];
}

function textsOf(field: unknown): readonly string[] {
  if (!isRecord(field)) return [];
  return Object.values(field).flatMap((value) => {
    if (typeof value === 'string') return value;
    return typeof value === 'number' || typeof value === 'bigint' ? String(value) : [];
  });
}
