import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Gathering } from '../../../src/kube/gathering.ts';

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}

/** A clock that stands still, so that only turns count. */
function setUp() {
  const flushed: number[] = [];
  let added = 0;
  const gathering = new Gathering(
    () => {
      flushed.push(added);
      added = 0;
    },
    () => 0,
  );
  const add = (size: number) => {
    added += size;
    return gathering.add(size);
  };
  return { flushed, add };
}

describe('what is written to a link', { timeout: 120_000 }, () => {
  it('leaves together while every turn of the loop brings more', async () => {
    const { flushed, add } = setUp();
    const firsts: boolean[] = [];
    for (let turn = 0; turn < 100; turn++) {
      firsts.push(add(10));
      await turns(1);
    }
    await turns(3);
    assert.deepEqual(flushed, [1000]);
    assert.deepEqual(
      firsts,
      firsts.map((_, index) => index === 0),
    );
  });

  it('leaves after a turn that brought nothing', async () => {
    const { flushed, add } = setUp();
    add(1);
    await turns(3);
    add(2);
    await turns(3);
    assert.deepEqual(flushed, [1, 2]);
  });

  it('leaves at the end of the turn when it is much', async () => {
    const { flushed, add } = setUp();
    add(100_000);
    await turns(1);
    assert.deepEqual(flushed, [100_000]);
  });

  it('never waits for long', async () => {
    let now = 0;
    let count = 0;
    const gathering = new Gathering(
      () => count++,
      () => now++,
    );
    for (let turn = 0; turn < 20; turn++) {
      gathering.add(1);
      await turns(1);
    }
    assert.ok(count > 1);
  });
});
