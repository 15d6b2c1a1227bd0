import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unknownSources } from '../../../src/up/unknown-sources.ts';

const told = (names: readonly string[], known: readonly string[]) =>
  unknownSources(names, known).map(({ kind, message, next }) => [kind, message, next]);

test('names that are known are none of its business', () => {
  assert.deepEqual(told(['web', 'nats'], ['web', 'nats']), []);
});

test('each unknown name gets the nearest known one, or all of them once', () => {
  assert.deepEqual(told(['wbe', 'web', 'minio'], ['web', 'nats', 'web']), [
    ['usage', 'there is no service or workload wbe', 'did you mean web?'],
    ['usage', 'there is no service or workload minio', 'there are: web, nats'],
  ]);
});

test('where there is none at all it is said so', () => {
  assert.deepEqual(told(['web'], []), [
    [
      'usage',
      'there is no service or workload web',
      'the project has neither: leave the name out, or add it to stormctl.yaml',
    ],
  ]);
});
