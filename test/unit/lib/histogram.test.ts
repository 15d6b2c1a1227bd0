import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram } from '../../../src/lib/histogram.ts';

test('a quantile is within two per cent of the true one, over the whole range', () => {
  for (const scale of [1, 40, 3000, 100_000]) {
    const histogram = new Histogram();
    for (let n = 1; n <= 1001; n++) histogram.add(n * scale);
    for (const share of [0.05, 0.5, 0.95]) {
      const wanted = Math.ceil(share * 1001) * scale;
      const got = histogram.quantile(share) ?? 0;
      assert.ok(Math.abs(got - wanted) <= wanted * 0.021, `${share} of ${scale}: ${got} for ${wanted}`);
    }
  }
});

test('one value is its own median, and so are two that are the same', () => {
  const histogram = new Histogram();
  assert.equal(histogram.quantile(0.5), undefined);
  histogram.add(37.25);
  assert.equal(histogram.quantile(0.5), 37.25);
  histogram.add(37.25);
  assert.equal(histogram.quantile(0.5), 37.25);
});

test('what is below or above its range still counts', () => {
  const histogram = new Histogram();
  for (const value of [0, 0.2, 1e12]) histogram.add(value);
  assert.equal(histogram.count, 3);
  assert.equal(histogram.quantile(1), 1e12);
  assert.ok((histogram.quantile(0.5) ?? 9) <= 1.04);
});
