import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NamespaceReturns } from '../../../src/dev/namespace-returns.ts';

const { signal } = new AbortController();

function open(applied: readonly string[] = []) {
  const clock = { ms: 0 };
  const restored: number[] = [];
  const told: string[] = [];
  const returns = new NamespaceReturns({
    namespace: 'storm',
    isApplied: (name) => applied.includes(name),
    isWanted: true,
    restore: async () => void restored.push(clock.ms),
    report: (report) => void told.push(report.type === 'warning' ? report.text : report.type),
    now: () => clock.ms,
  });
  const at = async (minute: number, namespace = 'storm') => {
    clock.ms = minute * 60_000;
    await returns.gone(namespace, signal);
    return restored.includes(clock.ms);
  };
  return { returns, told, at };
}

test('a namespace returns when it has stood for a while, for longer each time', async () => {
  const { at } = open();
  assert.deepEqual(
    [await at(0), await at(9), await at(11), await at(30), await at(32)],
    [true, false, true, false, true],
  );
});

test('one that is left alone returns again after a person has had everything applied', async () => {
  const { at, returns } = open();
  assert.deepEqual([await at(0), await at(1)], [true, false]);
  returns.asked();
  assert.equal(await at(2), true);
});

test('of other namespaces those return that the manifests have', async () => {
  const { at, told } = open(['own']);
  assert.deepEqual([await at(0, 'own'), await at(1, 'foreign')], [true, false]);
  assert.equal(told.at(-1), 'namespace/foreign was deleted by somebody else, with everything in it');
});
