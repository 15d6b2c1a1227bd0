import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nearest } from '../../../src/lib/nearest.ts';

describe('nearest', () => {
  const keys = ['context', 'dockerfile', 'target', 'args', 'onExit'];

  it('finds a word with a letter too few, too many, wrong or swapped', () => {
    assert.equal(nearest('dockerfil', keys), 'dockerfile');
    assert.equal(nearest('contextt', keys), 'context');
    assert.equal(nearest('targat', keys), 'target');
    assert.equal(nearest('agrs', keys), 'args');
  });

  it('finds the camelCase of kebab and snake spellings', () => {
    assert.equal(nearest('on-exit', keys), 'onExit');
    assert.equal(nearest('ON_EXIT', keys), 'onExit');
    assert.equal(nearest('dockerFile', keys), 'dockerfile');
  });

  it('prefers the closest', () => {
    assert.equal(nearest('web', ['webs', 'web-', 'wab']), 'web-');
  });

  it('finds nothing when nothing comes close', () => {
    assert.equal(nearest('hooks', keys), undefined);
    assert.equal(nearest('', keys), undefined);
    assert.equal(nearest('x', []), undefined);
  });
});
