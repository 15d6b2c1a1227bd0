import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../../../src/objects.ts';
import type { Forward } from '../../../src/project.ts';
import { doubtsAbout } from '../../../src/up/endpoints.ts';
import type { Plan } from '../../../src/up/plan.ts';

const web: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { ports: [{ port: 80, name: 'http' }] },
};
const plan = { objects: [{ object: web, where: 'web.yaml:1:1', stage: 0, services: [] }] } as unknown as Plan;

const to = (name: string, port: number | string): Forward => ({
  target: { kind: 'Service', name },
  port,
  local: 8080,
  address: '127.0.0.1',
  at: { file: 'stormctl.yaml', line: 7, column: 5 },
});

test('a forward to a port of a Service, by number or by name, is beyond doubt', () => {
  assert.deepEqual(doubtsAbout([to('web', 80), to('web', 'http')], plan), []);
});

test('a target that no manifest has is doubted, with the nearest that there is', () => {
  assert.deepEqual(doubtsAbout([to('wbe', 80)], plan), [
    { text: 'forward: no manifest has service/wbe (stormctl.yaml:7:5)', next: 'did you mean service/web?' },
  ]);
});

test('a port that the Service does not have is doubted, with those that it has', () => {
  assert.deepEqual(doubtsAbout([to('web', 81)], plan), [
    { text: 'forward: service/web has no port 81 (stormctl.yaml:7:5)', next: 'it has http' },
  ]);
});
