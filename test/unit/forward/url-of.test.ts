import assert from 'node:assert/strict';
import { test } from 'node:test';
import { urlOf } from '../../../src/forward/url-of.ts';
import type { PortFacts } from '../../../src/project.ts';

const schemeOf = (facts: PortFacts) => urlOf(facts, 'localhost', 1).replace('localhost:1', '');

test('a port of a usual number is a URL, and a database is an address', () => {
  for (const number of [80, 3000, 5173, 8080, 8888]) assert.equal(schemeOf({ number }), 'http://', String(number));
  for (const number of [443, 8443]) assert.equal(schemeOf({ number }), 'https://', String(number));
  for (const number of [22, 3306, 5432, 5672, 6379, 9229, 27_017])
    assert.equal(schemeOf({ number }), '', String(number));
  assert.equal(schemeOf({}), '');
});

test('the name of a port counts more than its number', () => {
  assert.equal(schemeOf({ number: 1234, name: 'http-admin' }), 'http://');
  assert.equal(schemeOf({ number: 50_051, name: 'grpc' }), 'http://');
  assert.equal(schemeOf({ number: 80, name: 'https' }), 'https://');
  assert.equal(schemeOf({ number: 8080, name: 'tcp-control' }), '');
  assert.equal(schemeOf({ number: 8080, name: 'main' }), 'http://');
});

test('appProtocol counts more than both', () => {
  assert.equal(schemeOf({ number: 5432, name: 'sql', appProtocol: 'kubernetes.io/h2c' }), 'http://');
  assert.equal(schemeOf({ number: 80, name: 'http', appProtocol: 'postgresql' }), '');
  assert.equal(schemeOf({ number: 80, appProtocol: 'HTTPS' }), 'https://');
});
