import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerState, PodState } from '../../../src/pods/pod-state.ts';
import { namespaceOf, namespacesOf, sourcesOf } from '../../../src/up/sources.ts';
import { serviceOf } from '../../support/context-folder.ts';
import { configMap, ProjectFolder } from './support.ts';

const build = { context: '/', dockerfile: '/Dockerfile', target: undefined, args: {}, network: undefined };
const services = [
  serviceOf('web', 'web', build),
  serviceOf('storm-web', 'storm/web', build),
  serviceOf('other-web', 'other/storm/web', build),
];

function sourceOf(image: string, selection: readonly string[] = []): string | undefined {
  const pod = { workload: { kind: 'Deployment', name: 'workload' } } as PodState;
  return sourcesOf(services, selection)(pod, { image } as ContainerState);
}

test('a shipped image is that of the service whose whole name it ends with', () => {
  const tag = 'stormctl-0123456789ab';
  assert.deepEqual(
    [
      `localhost:5000/web:${tag}@sha256:1`,
      `localhost:5000/storm/web:${tag}@sha256:1`,
      `registry.example.com/team/storm/web:${tag}@sha256:1`,
      `localhost:5000/other/storm/web:${tag}@sha256:1`,
      `storm/web:${tag}`,
      `localhost:5000/cobweb:${tag}@sha256:1`,
    ].map((image) => sourceOf(image)),
    ['web', 'storm-web', 'storm-web', 'other-web', 'storm-web', 'workload'],
  );
});

test('an image of somebody else is its workload’s, also where its name ends as a service’s does', () => {
  assert.equal(sourceOf('docker.io/bitnami/web:1'), 'workload');
  assert.equal(sourceOf('third/storm/web@sha256:1'), 'workload');
});

test('only what was asked for has a source, by service or by workload', () => {
  assert.equal(sourceOf('postgres:15', ['web']), undefined);
  assert.equal(sourceOf('postgres:15', ['workload']), 'workload');
  assert.equal(sourceOf('web', ['web']), 'web');
  assert.equal(sourceOf('web', ['workload']), 'web');
});

test('an object lives where its manifest says, else in the project’s namespace', async () => {
  using folder = new ProjectFolder();
  folder.manifest('a.yaml', configMap('a'));
  folder.manifest('b.yaml', configMap('b').replace('name: b', 'name: b, namespace: elsewhere'));
  const plan = await folder.plan();
  assert.deepEqual(namespacesOf(plan), ['storm', 'elsewhere']);
  assert.equal(namespaceOf(plan, { kind: 'ConfigMap', name: 'a' }), 'storm');
  assert.equal(namespaceOf(plan, { kind: 'ConfigMap', name: 'b' }), 'elsewhere');
});
