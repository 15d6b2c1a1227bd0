import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareFields } from '../../../src/lib/field-changes.ts';

const paths = (before: unknown, after: unknown) => compareFields(before, after).map(({ path }) => path);

test('what is the same has no changes, whatever the order of keys', () => {
  assert.deepEqual(compareFields({ a: 1, b: { c: [1] } }, { b: { c: [1] }, a: 1 }), []);
});

test('containers and variables are paired by their names, and a variable is told by its value', () => {
  const pod = (containers: unknown) => ({ spec: { template: { spec: { containers } } } });
  const before = pod([{ name: 'web', env: [{ name: 'LOG_LEVEL', value: 'info' }] }]);
  const after = pod([
    { name: 'proxy' },
    {
      name: 'web',
      env: [
        { name: 'NEW', value: '1' },
        { name: 'LOG_LEVEL', value: 'debug' },
      ],
    },
  ]);
  assert.deepEqual(compareFields(before, after), [
    { path: 'spec.template.spec.containers[web].env[LOG_LEVEL]', before: 'info', after: 'debug' },
    { path: 'spec.template.spec.containers[web].env[NEW]', before: undefined, after: '1' },
    { path: 'spec.template.spec.containers[proxy]', before: undefined, after: { name: 'proxy' } },
  ]);
});

test('a variable that comes from elsewhere now is told whole', () => {
  const after = { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] };
  assert.deepEqual(paths({ env: [{ name: 'A', value: '1' }] }, after), ['env[A].value', 'env[A].valueFrom']);
});

test('ports are paired by their numbers, by their names where two protocols share one', () => {
  const web = { containerPort: 80, protocol: 'TCP' };
  assert.deepEqual(paths({ ports: [web] }, { ports: [{ ...web, name: 'http' }] }), ['ports[80].name']);
  const dns = [
    { name: 'udp', containerPort: 53, protocol: 'UDP' },
    { name: 'tcp', containerPort: 53, protocol: 'TCP' },
  ];
  assert.deepEqual(paths({ ports: dns }, { ports: [dns[0], { ...dns[1], hostPort: 53 }] }), ['ports[tcp].hostPort']);
});

test('two mounts of one volume are paired by where they stand', () => {
  const mounts = [
    { name: 'data', mountPath: '/a' },
    { name: 'data', mountPath: '/b' },
  ];
  assert.deepEqual(paths({ m: mounts }, { m: [mounts[0], { ...mounts[1], readOnly: true }] }), ['m[/b].readOnly']);
});

test('a list of texts is told whole, one of nameless objects by its indexes, and another order as such', () => {
  assert.deepEqual(compareFields({ args: ['a'] }, { args: ['a', 'b'] }), [
    { path: 'args', before: ['a'], after: ['a', 'b'] },
  ]);
  assert.deepEqual(paths({ rules: [{ a: 1 }, { a: 2 }] }, { rules: [{ a: 1 }, { a: 3 }] }), ['rules[1].a']);
  const [a, b] = [{ name: 'a' }, { name: 'b' }];
  assert.deepEqual(compareFields({ l: [a, b] }, { l: [b, a] }), [
    { path: 'l (their order)', before: ['a', 'b'], after: ['b', 'a'] },
  ]);
});

test('keys with dots and slashes stand in brackets', () => {
  assert.deepEqual(paths({ labels: {} }, { labels: { 'app.kubernetes.io/name': 'x' } }), [
    'labels[app.kubernetes.io/name]',
  ]);
});
