import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configHashesOf, type ConfigSource, configSource, stampConfig } from '../../../src/manifests/config-hash.ts';
import { keyOf, type KubeObject } from '../../../src/objects.ts';
import { randomOf } from '../../support/random.ts';

type Fields = Readonly<Record<string, unknown>>;

const settings = config('ConfigMap', 'settings', { data: { a: '1', b: '2' }, binaryData: { c: 'AAE=' } });
const passwords = config('Secret', 'passwords', { data: { a: 'MQ==', b: 'Mg==' } });
const places = [{ kind: 'Rollout', group: undefined, path: ['spec', 'template'] }];

function config(kind: string, name: string, fields: Fields, metadata: Fields = {}): KubeObject {
  return { apiVersion: 'v1', kind, metadata: { name, ...metadata }, ...fields };
}

function workload(spec: Fields, kind = 'Deployment', apiVersion = 'apps/v1'): KubeObject {
  return { apiVersion, kind, metadata: { name: 'web' }, spec: { template: { spec } } };
}

function stamp(object: KubeObject, sources: readonly KubeObject[]) {
  const known = new Map(
    sources
      .flatMap((source) => configSource(source, 'storm') ?? [])
      .map((source: ConfigSource) => [keyOf(source.id), source]),
  );
  return stampConfig(object, (id) => known.get(keyOf(id)), 'storm', places);
}

/** @returns undefined where the template gets none. */
function hashOf(spec: Fields, sources: readonly KubeObject[], kind?: string, apiVersion?: string): string | undefined {
  return configHashesOf(stamp(workload(spec, kind, apiVersion), sources).object, places)[0];
}

const containerWith = (fields: Fields) => ({ containers: [{ name: 'main', ...fields }] });
const keyRef = (field: string, name: string, key: string) => ({ name: 'X', valueFrom: { [field]: { name, key } } });
const fromMap = (key: string) => containerWith({ env: [keyRef('configMapKeyRef', 'settings', key)] });
const volume = (fields: Fields) => ({ ...containerWith({}), volumes: [{ name: 'v', ...fields }] });

describe('what counts', () => {
  const uses: Readonly<Record<string, { readonly spec: Fields; readonly counts: string }>> = {
    'a variable of a key': { spec: fromMap('a'), counts: 'a' },
    'all variables': { spec: containerWith({ envFrom: [{ configMapRef: { name: 'settings' } }] }), counts: 'ab' },
    'a volume': { spec: volume({ configMap: { name: 'settings' } }), counts: 'abc' },
    'items of a volume': {
      spec: volume({ configMap: { name: 'settings', items: [{ key: 'c', path: 'x' }] } }),
      counts: 'c',
    },
    'a projected volume': {
      spec: volume({ projected: { sources: [{ configMap: { name: 'settings', items: [{ key: 'b', path: 'x' }] } }] } }),
      counts: 'b',
    },
    'an init container': {
      spec: { containers: [], initContainers: [{ name: 'i', env: [keyRef('configMapKeyRef', 'settings', 'b')] }] },
      counts: 'b',
    },
    'a variable and items': {
      spec: {
        ...fromMap('a'),
        volumes: [{ name: 'v', configMap: { name: 'settings', items: [{ key: 'c', path: 'x' }] } }],
      },
      counts: 'ac',
    },
  };
  for (const [name, { spec, counts }] of Object.entries(uses))
    test(`${name}: a change of ${counts.split('').join(', ')} and of nothing else changes the hash`, () => {
      const before = hashOf(spec, [settings]);
      assert.match(before ?? '', /^[0-9a-f]{16}$/);
      const changed = {
        a: { data: { a: 'x', b: '2' }, binaryData: { c: 'AAE=' } },
        b: { data: { a: '1', b: 'x' }, binaryData: { c: 'AAE=' } },
        c: { data: { a: '1', b: '2' }, binaryData: { c: 'AAI=' } },
      };
      const found = Object.entries(changed)
        .filter(([, fields]) => hashOf(spec, [config('ConfigMap', 'settings', fields)]) !== before)
        .map(([key]) => key);
      assert.deepEqual(found, counts.split(''));
    });

  test('a Secret is used by the same four ways, and its stringData is its data', () => {
    const written = config('Secret', 'passwords', { data: { b: 'Mg==', a: 'b3RoZXI=' }, stringData: { a: '1' } });
    const folded = config('Secret', 'passwords', { data: { a: 'MQ\n==', b: 'Mg==' } });
    const changed = config('Secret', 'passwords', { stringData: { a: 'other', b: '2' } });
    for (const spec of [
      containerWith({ env: [keyRef('secretKeyRef', 'passwords', 'a')] }),
      containerWith({ envFrom: [{ secretRef: { name: 'passwords' } }] }),
      volume({ secret: { secretName: 'passwords' } }),
      volume({ projected: { sources: [{ secret: { name: 'passwords' } }] } }),
    ]) {
      assert.ok(hashOf(spec, [passwords]));
      assert.equal(hashOf(spec, [written]), hashOf(spec, [passwords]));
      assert.equal(hashOf(spec, [folded]), hashOf(spec, [passwords]));
      assert.notEqual(hashOf(spec, [changed]), hashOf(spec, [passwords]));
    }
  });

  test('a key that is not there yet counts when it comes, and two sources are told apart', () => {
    const missing = hashOf(fromMap('later'), [settings]);
    const there = hashOf(fromMap('later'), [config('ConfigMap', 'settings', { data: { later: '' } })]);
    assert.ok(missing);
    assert.notEqual(there, missing);
    const two = (first: string, second: string) =>
      hashOf(containerWith({ env: [keyRef('configMapKeyRef', 'x', 'k'), keyRef('secretKeyRef', 'x', 'k')] }), [
        config('ConfigMap', 'x', { data: { k: first } }),
        config('Secret', 'x', { stringData: { k: second } }),
      ]);
    assert.notEqual(two('1', '2'), two('2', '1'));
  });

  test('a value that the server will refuse has a hash all the same', () => {
    const of = (a: unknown) => hashOf(fromMap('a'), [config('ConfigMap', 'settings', { data: { a } })]);
    assert.notEqual(of(1n), of(2));
    assert.ok(of(null));
    assert.ok(hashOf(fromMap('a'), [config('ConfigMap', 'settings', { data: 'none' })]));
  });
});

describe('what gets a hash', () => {
  test('a template that uses nothing of the project’s has none, and loses one that was written in', () => {
    assert.equal(hashOf(fromMap('a'), [passwords]), undefined);
    assert.equal(hashOf(fromMap('a'), [config('ConfigMap', 'settings', {}, { namespace: 'other' })]), undefined);
    const spec = containerWith({});
    const metadata = { annotations: { 'stormctl.dev/config-hash': 'old', mine: 'kept' } };
    const written = { ...workload(spec), spec: { template: { metadata, spec } } };
    assert.deepEqual(stamp(written, [settings]).object['spec'], {
      template: { metadata: { annotations: { mine: 'kept' } }, spec },
    });
  });

  test('one that is written in is overwritten, and other annotations stay', () => {
    const metadata = { labels: { app: 'web' }, annotations: { 'stormctl.dev/config-hash': 'old', mine: 'kept' } };
    const { object, uses } = stamp({ ...workload({}), spec: { template: { metadata, spec: fromMap('a') } } }, [
      settings,
    ]);
    assert.deepEqual(configHashesOf(object, []), [hashOf(fromMap('a'), [settings])]);
    assert.match(JSON.stringify(object), /"labels":\{"app":"web"\}.*"mine":"kept"/);
    assert.deepEqual(uses, [{ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'storm', name: 'settings' }]);
  });

  test('an object that names the project’s namespace is in it', () => {
    const named = config('ConfigMap', 'settings', { data: { a: '1' } }, { namespace: 'storm' });
    assert.equal(hashOf(fromMap('a'), [named]), hashOf(fromMap('a'), [settings]));
  });

  test('workloads that replace their pods have one, and what has to end or replaces none has not', () => {
    const stamped = (kind: string, apiVersion: string, spec: Fields = fromMap('a')) =>
      hashOf(spec, [settings], kind, apiVersion) !== undefined;
    for (const kind of ['Deployment', 'StatefulSet', 'DaemonSet', 'Rollout']) assert.ok(stamped(kind, 'apps/v1'), kind);
    assert.equal(stamped('ReplicaSet', 'apps/v1'), false);
    assert.equal(stamped('ReplicationController', 'v1'), false);
    assert.equal(stamped('Job', 'batch/v1'), false);
    assert.equal(stamped('Rollout', 'apps/v1', { ...fromMap('a'), restartPolicy: 'OnFailure' }), false);
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: fromMap('a') };
    assert.equal(stamp(pod, [settings]).object, pod);
    const template = { spec: fromMap('a') };
    const cron = { ...pod, apiVersion: 'batch/v1', kind: 'CronJob', spec: { jobTemplate: { spec: { template } } } };
    assert.equal(stamp(cron, [settings]).object, cron);
  });
});

describe('for generated templates', () => {
  const seeds = Array.from({ length: 60 }, (_, index) => index + 1);

  test('a used key that changes changes the hash; an unused key, order, labels and annotations do not', () => {
    for (const seed of seeds) {
      const world = generate(seed);
      const before = hashOf(world.spec, world.sources);
      const shuffled = world.sources.map((source) => ({
        ...reversed(source),
        metadata: { ...source.metadata, labels: { l: String(seed) }, annotations: { a: String(seed) } },
      }));
      assert.equal(
        hashOf(world.spec, shuffled.toReversed()),
        before,
        `seed ${seed}: order, labels or annotations count`,
      );
      for (const source of world.sources)
        for (const key of Object.keys(source['data'] as Fields)) {
          const changed = { ...source, data: { ...(source['data'] as Fields), [key]: 'Y2hhbmdlZA==' } };
          const others = world.sources.map((each) => (each === source ? changed : each));
          const isUsed = world.used.has(`${source.kind}/${source.metadata.name}/${key}`);
          const what = `seed ${seed}: ${source.kind}/${source.metadata.name} ${key}`;
          assert.equal(hashOf(world.spec, others) !== before, isUsed, what);
        }
    }
  });

  /** A template that uses some keys of some sources, in every way that there is, and which keys these are. */
  function generate(seed: number) {
    const random = randomOf(seed);
    const keys = ['k0', 'k1', 'k2', 'k3'];
    const sources = ['ConfigMap', 'Secret'].flatMap((kind) =>
      ['s0', 's1', 's2'].map((name) =>
        config(kind, name, { data: Object.fromEntries(keys.map((key) => [key, `${random(9)}${random(9)}==`])) }),
      ),
    );
    const used = new Set<string>();
    const env: unknown[] = [];
    const envFrom: unknown[] = [];
    const volumes: unknown[] = [];
    for (let count = random(5); count > 0; count--) {
      const kind = random(2) === 0 ? 'ConfigMap' : 'Secret';
      const name = `s${random(3)}`;
      const some = random(2) === 0 ? keys : keys.filter(() => random(2) === 0);
      const taken = some.length > 0 ? some : ['k1'];
      const items = taken === keys ? {} : { items: taken.map((key) => ({ key, path: key })) };
      const field = kind === 'ConfigMap' ? 'configMap' : 'secret';
      const way = random(4);
      if (way === 0) envFrom.push({ [`${field}Ref`]: { name } });
      if (way === 1) env.push(...taken.map((key) => keyRef(`${field}KeyRef`, name, key)));
      if (way === 2) volumes.push({ [field]: { [kind === 'Secret' ? 'secretName' : 'name']: name, ...items } });
      if (way === 3) volumes.push({ projected: { sources: [{ [field]: { name, ...items } }] } });
      for (const key of way === 0 ? keys : taken) used.add(`${kind}/${name}/${key}`);
    }
    const list = random(2) === 0 ? 'containers' : 'initContainers';
    return {
      sources,
      used,
      spec: {
        [list]: [
          { name: 'main', env },
          { name: 'other', envFrom },
        ],
        volumes,
      },
    };
  }

  function reversed(object: KubeObject): KubeObject {
    const data = Object.fromEntries(Object.entries(object['data'] as Fields).toReversed());
    return { ...object, data };
  }
});
