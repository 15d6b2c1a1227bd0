import { isRecord } from '../lib/is-record.ts';

/**
 * @returns the Secrets from which a pod spec gives its containers something: variables (`secretKeyRef`, `secretRef`) and
 * volumes (`secret`, also projected). Those that the node alone uses (`imagePullSecrets`) are not among them.
 * https://kubernetes.io/docs/concepts/configuration/secret/#using-secrets
 */
export function secretNames(spec: unknown): readonly string[] {
  const names = new Set<string>();
  collect(spec, names);
  return [...names];
}

function collect(value: unknown, names: Set<string>): void {
  if (Array.isArray(value)) for (const item of value) collect(item, names);
  if (!isRecord(value)) return;
  for (const [key, item] of Object.entries(value)) {
    const name = nameIn(key, item);
    if (name !== undefined) names.add(name);
    else collect(item, names);
  }
}

function nameIn(key: string, value: unknown): string | undefined {
  if (!isRecord(value)) return undefined;
  const name = key === 'secret' ? (value['secretName'] ?? value['name']) : value['name'];
  const refers = key === 'secret' || key === 'secretRef' || key === 'secretKeyRef';
  return refers && typeof name === 'string' ? name : undefined;
}
