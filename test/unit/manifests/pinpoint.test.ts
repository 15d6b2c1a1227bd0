import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseManifestYaml } from '../../../src/lib/yaml.ts';
import { inFile, inKustomization } from '../../../src/manifests/pinpoint.ts';
import type { KubeObject } from '../../../src/objects.ts';
import { folderWith } from './folder-with.ts';

function objectOf(text: string): KubeObject {
  return parseManifestYaml(text, 'x')[0]?.value as KubeObject;
}

const deployment = (name: string, replicas: number, image = 'nginx', before = '') => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
spec:
  replicas: ${replicas}
  template:
    metadata: { labels: { app.kubernetes.io/name: web } }
    spec:
      containers:
${before}        - name: web
          image: ${image}
          ports:
            - containerPort: 80
`;
const configMap = (name: string, rest = '') => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${rest}`;

test('a refused object of a file is found with its document and its field', async (t) => {
  const web = deployment('web', -1);
  const root = await folderWith(t, { 'k8s/all.yaml': `${configMap('first')}---\n${web}` });
  const pinpoint = inFile(join(root, 'k8s/all.yaml'), root)(objectOf(web));
  const places = {
    '': 'k8s/all.yaml:6:1',
    'spec.replicas': 'k8s/all.yaml:11:3',
    'spec.template.spec.containers[0].image': 'k8s/all.yaml:17:11',
    '.spec.template.spec.containers[name="web"].image': 'k8s/all.yaml:17:11',
    'spec.template.spec.containers[0]': 'k8s/all.yaml:16:11',
    // The protocol has its default.
    '.spec.template.spec.containers[name="web"].ports[containerPort=80,protocol="TCP"].hostPort': 'k8s/all.yaml:19:15',
    '.spec.template.metadata.labels.app.kubernetes.io/name': 'k8s/all.yaml:13:27',
    'spec.template.metadata.labels[app.kubernetes.io/name]': 'k8s/all.yaml:13:27',
    // What is missing is missed where it would be.
    'spec.selector': 'k8s/all.yaml:10:1',
    'spec.template.spec.containers[7].image': 'k8s/all.yaml:15:7',
    'status.replicas': 'k8s/all.yaml:6:1',
  };
  for (const [field, place] of Object.entries(places)) assert.equal(await pinpoint(field ? [field] : []), place, field);
  assert.equal(await pinpoint(['status.x', 'spec.replicas']), 'k8s/all.yaml:11:3');
});

test('an item of a List is found by itself', async (t) => {
  const items = [objectOf(configMap('a')), objectOf(configMap('b', 'data: { k: 1 }\n'))];
  const root = await folderWith(t, {
    'l.json': JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, undefined, 1),
  });
  const second = items[1] ?? assert.fail();
  assert.equal(await inFile(join(root, 'l.json'), root)(second)(['.data.k']), 'l.json:19:5');
  assert.equal(await inFile(join(root, 'l.json'), root)(second)([]), 'l.json:12:3');
});

test('of a file that changed since it was read, or is gone, the name alone is told', async (t) => {
  const root = await folderWith(t, { 'a.yaml': `# one line more\n${deployment('web', 2)}`, 'b.yaml': 'a: [' });
  const object = objectOf(deployment('web', -1));
  for (const file of ['a.yaml', 'b.yaml', 'c.yaml'])
    assert.equal(await inFile(join(root, file), root)(object)(['spec.replicas']), file);
});

const kustomized = {
  'over/kustomization.yaml':
    'namespace: dev\nnameSuffix: -z\nresources: [../base, extra]\ncomponents: [../part]\npatches: [{ path: many.yaml, target: { kind: Deployment, name: "we." } }]\nconfigMapGenerator:\n  - name: made\n    literals: [a=b]\n',
  'over/many.yaml': 'spec:\n  replicas: -1\n',
  'over/extra/kustomization.yml': 'resources: [all.yaml]\n',
  'over/extra/all.yaml': `${configMap('one')}---\n${configMap('two', 'data:\n  k: v\n')}`,
  'base/kustomization.yaml': 'namePrefix: a-\nresources: [ns.yaml, web.yaml, https://example.com/remote.yaml]\n',
  'base/ns.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: base\n',
  'base/web.yaml': deployment('web', 1),
  'part/kustomization.yaml':
    'kind: Component\nnamePrefix: c-\nresources: [cm.yaml]\npatchesStrategicMerge:\n  - side.yaml\n  - |-\n    kind: X\n',
  'part/cm.yaml': configMap('of-part'),
  'part/side.yaml':
    'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  template:\n    spec:\n      containers:\n        - name: proxy\n          image: a b\n',
};
/** As kustomize gives it. */
const rendered = objectOf(deployment('c-a-web-z', -1, 'nginx', '        - name: proxy\n          image: a b\n'));
const inDev = (object: KubeObject) => ({ ...object, metadata: { ...object.metadata, namespace: 'dev' } });

test('a refused object of a kustomization is found in its base, and its field in the patch that sets it', async (t) => {
  const root = await folderWith(t, kustomized);
  const pinpoint = inKustomization(join(root, 'over'), root, 'kustomize over');
  const web = pinpoint(inDev(rendered));
  assert.equal(await web([]), 'base/web.yaml:1:1');
  assert.equal(await web(['spec.replicas']), 'over/many.yaml:2:3');
  assert.equal(await web(['spec.template.spec.containers[0].image']), 'part/side.yaml:10:11');
  assert.equal(await web(['spec.template.spec.containers[1].image']), 'base/web.yaml:12:11');
  assert.equal(await web(['spec.selector']), 'base/web.yaml:5:1');
  assert.equal(
    await pinpoint(inDev(objectOf(configMap('c-two-z', 'data:\n  k: v\n'))))(['data[k]']),
    'over/extra/all.yaml:11:3',
  );
  assert.equal(await pinpoint(inDev(objectOf(configMap('c-of-part-z'))))([]), 'part/cm.yaml:1:1');
  assert.equal(
    await pinpoint(objectOf('apiVersion: v1\nkind: Namespace\nmetadata:\n  name: dev\n'))([]),
    'base/ns.yaml:1:1',
  );
});

test('a field that something else has set is looked for in the kustomization', async (t) => {
  const root = await folderWith(t, { ...kustomized, 'over/many.yaml': 'spec:\n  paused: true\n' });
  const web = inKustomization(join(root, 'over'), root, 'kustomize over')(inDev(rendered));
  assert.equal(await web(['spec.replicas']), 'base/web.yaml:1:1, by kustomize over');
});

test('what is generated, comes from elsewhere or can be several stays with its kustomization', async (t) => {
  const root = await folderWith(t, {
    ...kustomized,
    'base/ns.yaml': deployment('web', 3),
    'base/deep/x.yaml': configMap('x'),
  });
  const pinpoint = inKustomization(join(root, 'over'), root, 'kustomize over');
  for (const object of [
    objectOf(configMap('made-z-h29d89cmmt')),
    objectOf(configMap('x')),
    objectOf(configMap('one')),
    rendered,
    { ...objectOf(configMap('c-one-z')), metadata: { name: 'c-one-z', namespace: 'other' } },
  ])
    assert.equal(await pinpoint(object)(['data']), 'kustomize over', object.metadata.name);
});

test('kustomizations that have become one another end', async (t) => {
  const root = await folderWith(t, {
    'a/kustomization.yaml': 'resources: [../b]\n',
    'b/kustomization.yaml': 'resources: [../a]\n',
  });
  assert.equal(
    await inKustomization(join(root, 'a'), root, 'kustomize a')(objectOf(configMap('x')))([]),
    'kustomize a',
  );
});
