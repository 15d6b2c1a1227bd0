import { stringifyYaml } from '../lib/yaml.ts';
import type { KubeObject } from '../objects.ts';

/** @returns the objects as one YAML stream, as `kubectl apply -f -` takes it. Secrets are shown as they are: mask first. */
export function renderYaml(objects: readonly KubeObject[]): string {
  return objects.map((object) => stringifyYaml(object)).join('---\n');
}

/** @returns a Secret with every value replaced by how long it is; any other object as it is. */
export function maskSecrets(object: KubeObject): KubeObject {
  if (object.apiVersion !== 'v1' || object.kind !== 'Secret') return object;
  const masked: Record<string, unknown> & KubeObject = { ...object };
  if (object['data']) masked['data'] = maskValues(object['data'], 'base64');
  if (object['stringData']) masked['stringData'] = maskValues(object['stringData'], 'utf8');
  return masked;
}

function maskValues(values: unknown, encoding: 'base64' | 'utf8'): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(values as Record<string, unknown>).map(([key, value]) => [
      key,
      `<masked, ${typeof value === 'string' ? Buffer.byteLength(value, encoding) : 0} bytes>`,
    ]),
  );
}
