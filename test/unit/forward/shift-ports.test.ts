import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failures } from '../../../src/errors.ts';
import { shiftPorts } from '../../../src/forward/shift-ports.ts';
import type { Forward } from '../../../src/project.ts';
import { serviceOf } from '../../support/context-folder.ts';
import { projectOf } from '../deploy/support.ts';

const at = (line: number) => ({ file: 'stormctl.yaml', line, column: 5 });
const rule = (port: number | string, local: Forward['local'], line: number): Forward => ({
  target: { kind: 'Service', name: 'web' },
  port,
  local,
  address: '127.0.0.1',
  at: at(line),
});

function project(forward: readonly Forward[]) {
  const build = { context: '/', dockerfile: '/Dockerfile', target: undefined, args: {}, network: undefined };
  const service = { ...serviceOf('web', 'web', build), forward: [{ local: undefined, port: 9229, at: at(9) }] };
  const autoForward = { offset: 0, at: at(1) };
  return { ...projectOf({ name: 'p', namespace: 'p' }), services: [service], forward, autoForward };
}

test('every local port that is fixed is shifted, and a chosen one stays chosen', () => {
  const shifted = shiftPorts(
    project([rule(80, 8080, 2), rule(3000, undefined, 3), rule('http', undefined, 4), rule(1, 'auto', 5)]),
    1000,
  );
  assert.deepEqual(
    shifted.forward.map(({ local }) => local),
    [9080, 4000, undefined, 'auto'],
  );
  assert.equal(shifted.services[0]?.forward[0]?.local, 10_229);
  assert.equal(shifted.autoForward?.offset, 1000);
});

test('every port that leaves the range is told, with its place', () => {
  assert.throws(
    () => shiftPorts(project([rule(80, 8080, 2), rule(3000, undefined, 3)]), 60_000),
    (error) =>
      error instanceof Failures &&
      error.kind === 'usage' &&
      assert.deepEqual(
        error.all.map(({ where }) => where),
        ['stormctl.yaml:2:5', 'stormctl.yaml:9:5'],
      ) === undefined,
  );
});
