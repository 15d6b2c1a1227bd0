import { Failure } from '../errors.ts';
import { isRecord } from '../lib/is-record.ts';
import { formatId, idOf } from '../objects.ts';
import { whereRefused } from './pinpoint.ts';
import type { RenderedObject } from './render-step.ts';

/** @returns a Failure `usage` for each Secret whose `data` is no base64, with the keys and without what they hold. */
export async function badSecrets(objects: readonly RenderedObject[]): Promise<readonly Failure[]> {
  return (await Promise.all(objects.map(badSecret))).flatMap((failure) => failure ?? []);
}

async function badSecret(rendered: RenderedObject): Promise<Failure | undefined> {
  const { object } = rendered;
  const { apiVersion, kind, data } = object as typeof object & { readonly data?: unknown };
  if (apiVersion !== 'v1' || kind !== 'Secret' || !isRecord(data)) return undefined;
  const keys = Object.entries(data).flatMap(([key, value]) =>
    typeof value === 'string' && !isBase64(value) ? [key] : [],
  );
  if (keys.length === 0) return undefined;
  const named = keys.map((key) => `data.${key}`).join(', ');
  return new Failure('usage', `${formatId(idOf(object))}: ${named} ${keys.length === 1 ? 'is' : 'are'} no base64`, {
    where: await whereRefused(
      rendered,
      keys.map((key) => `data[${key}]`),
    ),
    next: 'encode it (printf %s VALUE | base64), or write the text itself under stringData',
  });
}

/** As the API server reads it (Go's StdEncoding): padded, line breaks count for nothing. */
function isBase64(text: string): boolean {
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text.replaceAll(/[\r\n]/g, ''));
}
