import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conditionsOf } from '../../../src/deploy/conditions.ts';
import { readinessOf } from '../../../src/deploy/readiness.ts';
import { whatHolds } from '../../../src/deploy/what-holds.ts';
import { widget } from './support.ts';

for (const [what, status] of [
  ['a map', { conditions: { Ready: 'True' } }],
  ['a text', { conditions: 'Ready' }],
  ['null', { conditions: null }],
  ['a status that is a text', 'Ready'],
  ['entries that are none', { conditions: [null, 'Ready', { status: 'True' }, ['Ready']] }],
] as const)
  test(`a custom object with ${what} for conditions has none`, () => {
    const object = { ...widget('w', { generation: 1 }), status };
    assert.deepEqual(conditionsOf(object), []);
    assert.deepEqual(readinessOf(object), { kind: 'ready' });
    assert.match(whatHolds(object), /\w/);
  });

test('among entries that are none the conditions are found, with the fields that are as they should be', () => {
  const conditions = [null, { type: 'Ready', status: 'False', reason: 7, message: { a: 1 }, observedGeneration: null }];
  const object = { ...widget('w', { generation: 1 }), status: { conditions, observedGeneration: null } };
  assert.deepEqual(conditionsOf(object), [{ type: 'Ready', status: 'False' }]);
  assert.deepEqual(readinessOf(object), { kind: 'waiting', because: 'it is not Ready (no reason)' });
});

test('a status that is neither True nor False is unknown', () => {
  const object = { status: { conditions: [{ type: 'Ready', status: true }, { type: 'Stalled' }] } };
  assert.deepEqual(conditionsOf(object), [
    { type: 'Ready', status: 'Unknown' },
    { type: 'Stalled', status: 'Unknown' },
  ]);
});
