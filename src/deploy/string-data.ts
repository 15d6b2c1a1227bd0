import type { KubeObject } from '../objects.ts';

/**
 * @returns a Secret whose `stringData` is written as `data`. The server stores it there but remembers `stringData` as what
 * was applied: a key that is left out later would stay for ever, and a value that somebody changed would not be mended.
 */
export function stringDataAsData(object: KubeObject): KubeObject {
  const { stringData, ...rest } = object;
  if (object.apiVersion !== 'v1' || object.kind !== 'Secret' || typeof stringData !== 'object' || !stringData)
    return object;
  const values = Object.entries(stringData);
  // A value of another type is the server's to refuse, with the field as the manifest has it.
  if (!values.every((entry): entry is [string, string] => typeof entry[1] === 'string')) return object;
  const encoded = Object.fromEntries(values.map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
  return { ...rest, data: { ...(rest['data'] as object | undefined), ...encoded } };
}
