import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { configJsonSchema } from '../../../src/config/schema.ts';
import { keysAt, schemasAt } from '../../../src/config/schema-walk.ts';

interface Node {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly [key: string]: unknown;
}

function undescribed(node: unknown, path: string): string[] {
  if (typeof node !== 'object' || node === null) return [];
  if (Array.isArray(node)) return node.flatMap((item, index) => undescribed(item, `${path}[${index}]`));
  const { properties, ...rest } = node as Node;
  const own = Object.entries(properties ?? {}).flatMap(([key, item]) => undescribed(item, `${path}.${key}`));
  for (const [key, { description }] of Object.entries(properties ?? {})) if (!description) own.push(`${path}.${key}`);
  return [...own, ...Object.entries(rest).flatMap(([key, item]) => undescribed(item, `${path}/${key}`))];
}

describe('configJsonSchema', () => {
  it('describes every key', () => {
    assert.deepEqual(undescribed(configJsonSchema(), ''), []);
  });

  it('refuses unknown keys, as the checks do', () => {
    assert.equal(configJsonSchema()['additionalProperties'], false);
  });

  it('tells the keys of every place', () => {
    const schema = configJsonSchema();
    assert.ok(keysAt(schema, []).includes('onExit'));
    assert.deepEqual(keysAt(schema, ['services', 'x', 'build']), [
      'context',
      'dockerfile',
      'target',
      'args',
      'network',
    ]);
    assert.deepEqual(keysAt(schema, ['deploy', 0]), [
      'kustomize',
      'enableHelm',
      'loadRestrictor',
      'wait',
      'manifests',
      'helm',
    ]);
    assert.deepEqual(schemasAt(schema, ['nope']), []);
  });
});
