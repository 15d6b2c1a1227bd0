import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readNamespace } from '../../../src/commands/load.ts';

test('a name that no namespace can have is refused before anything is asked', () => {
  for (const namespace of [undefined, 'a', 'shop-2']) assert.equal(readNamespace({ namespace }), namespace);
  for (const namespace of ['Bad_NS', '-a', 'a.b', 'a,b', '', 'x'.repeat(64)])
    assert.throws(() => readNamespace({ namespace }), { kind: 'usage', where: '--namespace' });
});
