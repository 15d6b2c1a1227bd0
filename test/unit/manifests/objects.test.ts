import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  imagesOf,
  nearestImage,
  pinImages,
  pulledImagesOf,
  repositoryOf,
  usersOf,
} from '../../../src/manifests/images.ts';
import { overrideForDev } from '../../../src/manifests/override-for-dev.ts';
import { own } from '../../../src/manifests/own.ts';
import { containersOf, podTemplateOf } from '../../../src/manifests/pod-template.ts';
import type { RawContainer } from '../../../src/manifests/pod-template.ts';
import { maskSecrets, renderYaml } from '../../../src/manifests/render-yaml.ts';
import { supervise } from '../../../src/manifests/supervise.ts';
import { supervisedBy, supervisorCommand } from '../../../src/manifests/supervisor.ts';
import type { KubeObject } from '../../../src/objects.ts';
import type { DevOverrides, Service } from '../../../src/project.ts';

const podSpec = {
  initContainers: [{ name: 'init', image: 'storm/web:1' }],
  containers: [
    { name: 'main', image: 'storm/web', args: ['--prod'], env: [{ name: 'A', value: '1' }], future: { kept: true } },
    { name: 'side', image: 'envoy:2' },
  ],
  ephemeralContainers: [{ name: 'debug', image: 'storm/web@sha256:ab' }],
};
const template = { metadata: { labels: { app: 'web' } }, spec: podSpec };

/** The same pods in every kind that can hold them. */
const workloads: readonly KubeObject[] = [
  { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', labels: { app: 'web' } }, spec: podSpec },
  ...['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet'].map((kind) => ({
    apiVersion: 'apps/v1',
    kind,
    metadata: { name: 'w' },
    spec: { selector: { matchLabels: { app: 'web' } }, template, volumeClaimTemplates: [{ metadata: { name: 'd' } }] },
  })),
  { apiVersion: 'v1', kind: 'PodTemplate', metadata: { name: 't' }, template },
  {
    apiVersion: 'v1',
    kind: 'ReplicationController',
    metadata: { name: 'r' },
    spec: { selector: { a: 'b' }, template },
  },
  { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'j' }, spec: { template } },
  { apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'c' }, spec: { jobTemplate: { spec: { template } } } },
];
const [, deployment] = workloads;
const configMap: KubeObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a' },
  data: { image: 'storm/web' },
};

function serviceWith(dev: Partial<DevOverrides>): Service {
  const at = { file: 'stormctl.yaml', line: 1, column: 1 };
  return {
    name: 'web',
    image: 'storm/web',
    build: { context: '/p', dockerfile: '/p/Dockerfile', target: undefined, args: {}, network: undefined },
    sync: [],
    autoSync: false,
    afterSync: undefined,
    dev: { target: undefined, command: undefined, args: undefined, env: {}, ...dev },
    forward: [],
    trigger: 'auto',
    restartOnConfigChange: true,
    at,
  };
}

function mainContainers(object: KubeObject): readonly RawContainer[] {
  const found = podTemplateOf(object);
  assert.ok(found);
  return containersOf(found, 'containers');
}

for (const object of workloads)
  test(`every container of a ${object.kind} is found and pinned, and nothing else changes`, () => {
    const before = structuredClone(object);
    assert.deepEqual(imagesOf(object), [
      { container: 'init', image: 'storm/web:1', init: true },
      { container: 'main', image: 'storm/web', init: false },
      { container: 'side', image: 'envoy:2', init: false },
      { container: 'debug', image: 'storm/web@sha256:ab', init: false },
    ]);
    const pinned = pinImages(object, new Map([['storm/web', 'localhost:5000/storm/web:1@sha256:cd']]));
    assert.deepEqual(
      imagesOf(pinned).map(({ image }) => image),
      [
        'localhost:5000/storm/web:1@sha256:cd',
        'localhost:5000/storm/web:1@sha256:cd',
        'envoy:2',
        'localhost:5000/storm/web:1@sha256:cd',
      ],
    );
    const [main, side] = mainContainers(pinned);
    assert.deepEqual(main, {
      ...podSpec.containers[0],
      image: 'localhost:5000/storm/web:1@sha256:cd',
      imagePullPolicy: 'IfNotPresent',
    });
    assert.deepEqual(side, podSpec.containers[1]);
    assert.deepEqual(object, before);
  });

for (const object of workloads)
  test(`every image volume of a ${object.kind} is found and pinned, and no other volume changes`, () => {
    const volumes = [
      { name: 'data', image: { reference: 'storm/data:2', future: true } },
      { name: 'model', image: { reference: 'models/small', pullPolicy: 'Always' } },
      { name: 'image', emptyDir: {} },
      { name: 'none', image: {} },
      { name: 'rbd', rbd: { image: 'storm/data' } },
    ];
    const text = JSON.stringify(object).replaceAll(
      '"initContainers"',
      `"volumes":${JSON.stringify(volumes)},"initContainers"`,
    );
    const mounting = JSON.parse(text) as KubeObject;
    const before = structuredClone(mounting);
    assert.deepEqual(pulledImagesOf(mounting).slice(-2), [
      { name: 'volumes/data', image: 'storm/data:2' },
      { name: 'volumes/model', image: 'models/small' },
    ]);
    assert.deepEqual(imagesOf(mounting), imagesOf(object));
    assert.deepEqual(usersOf('storm/data', [object, mounting]), [mounting]);
    assert.equal(nearestImage('storm/date', [mounting]), 'storm/data');
    const pinned = pinImages(mounting, new Map([['storm/data', 'localhost:5000/storm/data:1@sha256:cd']]));
    assert.deepEqual(podTemplateOf(pinned)?.spec['volumes'], [
      {
        name: 'data',
        image: { reference: 'localhost:5000/storm/data:1@sha256:cd', future: true, pullPolicy: 'IfNotPresent' },
      },
      ...volumes.slice(1),
    ]);
    assert.deepEqual(mounting, before);
    assert.deepEqual(pinImages(object, new Map([['storm/data', 'x']])), object);
  });

for (const object of workloads)
  test(`a ${object.kind} is owned on itself and its pods, never on selectors or claims`, () => {
    const owned = own(object, { project: 'storm', applySetId: 'applyset-x-v1' });
    assert.equal(owned.metadata.labels?.['stormctl.dev/project'], 'storm');
    assert.equal(owned.metadata.labels['applyset.kubernetes.io/part-of'], 'applyset-x-v1');
    const labels = podTemplateOf(owned)?.metadata?.labels ?? {};
    assert.equal(labels['app'], 'web');
    assert.equal(labels['stormctl.dev/project'], 'storm');
    if (object.kind !== 'Pod') assert.equal(labels['applyset.kubernetes.io/part-of'], undefined);
    const [was, is] = [object, owned].map((each) => each['spec'] as Record<string, unknown>);
    assert.deepEqual(is?.['selector'], was?.['selector']);
    assert.deepEqual(is?.['volumeClaimTemplates'], was?.['volumeClaimTemplates']);
  });

const rollout: KubeObject = {
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Rollout',
  metadata: { name: 'web' },
  spec: { selector: { matchLabels: { app: 'web' } }, template, strategy: { canary: {} } },
};
const rollouts = [{ kind: 'Rollout', group: 'argoproj.io', path: ['spec', 'template'] }];
const pins = new Map([['storm/web', 'storm/web:stormctl-1']]);

test('a kind of the cluster’s own is pinned, owned, overridden and supervised where the config says its pods are', () => {
  assert.deepEqual(imagesOf(rollout), []);
  assert.deepEqual(pinImages(rollout, pins), rollout);
  const images = imagesOf(pinImages(rollout, pins, rollouts), rollouts).map(({ image }) => image);
  assert.deepEqual(images, ['storm/web:stormctl-1', 'storm/web:stormctl-1', 'envoy:2', 'storm/web:stormctl-1']);
  assert.deepEqual(usersOf('storm/web', [rollout], rollouts), [rollout]);
  assert.equal(nearestImage('storm/wep', [rollout], rollouts), 'storm/web');
  const { spec } = own(rollout, { project: 'storm', applySetId: 'i' }, rollouts) as unknown as {
    spec: { selector: object; template: { metadata: { labels: object } } };
  };
  assert.deepEqual(spec.template.metadata.labels, { app: 'web', 'stormctl.dev/project': 'storm' });
  assert.deepEqual(spec.selector, { matchLabels: { app: 'web' } });
  const changed = overrideForDev(rollout, [serviceWith({ command: ['watch'] })], rollouts);
  assert.match(JSON.stringify(changed), /"command":\["watch"\]/);
  const supervised = supervise(
    pinImages(rollout, pins, rollouts),
    new Map([['storm/web:stormctl-1', launch]]),
    rollouts,
  );
  assert.match(JSON.stringify(supervised), /stormctl-supervisor/);
});

test('a place counts for its group alone, where it names one', () => {
  const foreign = { ...rollout, apiVersion: 'example.com/v1' };
  assert.deepEqual(imagesOf(foreign, rollouts), []);
  assert.equal(imagesOf(foreign, [{ kind: 'Rollout', group: undefined, path: ['spec', 'template'] }]).length, 4);
});

test('a star stands for every item of a list or a map, and what holds no pod template stays', () => {
  const jobs = { kind: 'JobSet', group: undefined, path: ['spec', 'jobs', '*', 'template'] };
  for (const items of [
    [{ template }, { other: 1 }, null, { template }],
    { a: { template }, b: 'text', c: { template } },
  ]) {
    const object: KubeObject = { apiVersion: 'x/v1', kind: 'JobSet', metadata: { name: 'j' }, spec: { jobs: items } };
    const before = structuredClone(object);
    assert.equal(imagesOf(object, [jobs]).length, 8);
    const pinned = pinImages(object, pins, [jobs, jobs]);
    assert.equal(JSON.stringify(pinned).split('storm/web:stormctl-1').length - 1, 6);
    assert.equal(JSON.stringify(pinned).replaceAll('storm/web:stormctl-1', '').includes('storm/web'), false);
    assert.equal(Array.isArray((pinned['spec'] as { jobs: unknown }).jobs), Array.isArray(items));
    assert.deepEqual(object, before);
  }
});

test('an object without pods is owned, and has no images', () => {
  assert.deepEqual(imagesOf(configMap), []);
  assert.deepEqual(pinImages(configMap, new Map([['storm/web', 'x']])), configMap);
  assert.equal(own(configMap, { project: 'p', applySetId: 'i' }).metadata.labels?.['stormctl.dev/project'], 'p');
});

test('a workload without a pod template, and one of another group, are left alone', () => {
  const broken: KubeObject = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x' }, spec: null };
  const foreign: KubeObject = {
    apiVersion: 'example.com/v1',
    kind: 'Job',
    metadata: { name: 'x' },
    spec: { template },
  };
  for (const object of [broken, foreign]) assert.equal(podTemplateOf(object), undefined);
});

for (const [reference, repository] of [
  ['alpine', 'alpine'],
  ['storm/web:1.2', 'storm/web'],
  ['localhost:5000/storm/web', 'localhost:5000/storm/web'],
  ['localhost:5000/storm/web:1@sha256:ab', 'localhost:5000/storm/web'],
] as const)
  test(`the repository of ${reference} is ${repository}`, () => assert.equal(repositoryOf(reference), repository));

test('the users of an image are found whatever tag they write', () => {
  assert.deepEqual(usersOf('storm/web:latest', [configMap, ...workloads]), workloads);
  assert.deepEqual(usersOf('storm/we', workloads), []);
});

test('a misspelt image is answered with the nearest one that is used', () => {
  assert.equal(nearestImage('storm/wbe', workloads), 'storm/web');
});

test('dev replaces the entrypoint with its arguments and merges the environment by name', () => {
  assert.ok(deployment);
  const service = serviceWith({ command: ['npx', 'nest'], env: { A: '2', B: '3' } });
  const changed = overrideForDev(deployment, [service]);
  const [main, side] = mainContainers(changed);
  assert.deepEqual(main?.['command'], ['npx', 'nest']);
  assert.equal(main['args'], undefined);
  assert.deepEqual(main['env'], [
    { name: 'A', value: '2' },
    { name: 'B', value: '3' },
  ]);
  assert.deepEqual(side, podSpec.containers[1]);
  assert.deepEqual(podTemplateOf(changed)?.spec['initContainers'], podSpec.initContainers);
});

test('dev arguments alone leave the entrypoint', () => {
  assert.ok(deployment);
  const [main] = mainContainers(overrideForDev(deployment, [serviceWith({ args: ['--watch'] })]));
  assert.deepEqual(main?.['args'], ['--watch']);
  assert.equal(main['command'], undefined);
  assert.deepEqual(main['env'], [{ name: 'A', value: '1' }]);
});

test('what has to end is not given the command of a dev server', () => {
  const service = serviceWith({ command: ['watch'] });
  for (const object of workloads.filter(({ kind }) => kind === 'Job' || kind === 'CronJob'))
    assert.equal(overrideForDev(object, [service]), object);
});

test('secrets are shown by their length alone', () => {
  const secret: KubeObject = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's' },
    data: { a: 'cGFzcw==' },
    stringData: { b: 'grün' },
  };
  const text = renderYaml([maskSecrets(secret), maskSecrets(configMap)]);
  assert.match(text, /a: <masked, 4 bytes>/);
  assert.match(text, /b: <masked, 5 bytes>/);
  assert.ok(!text.includes('cGFzcw') && !text.includes('grün'));
  assert.match(text, /^---$/m);
  assert.match(text, /image: storm\/web/);
});

const launch = {
  interpreter: { kind: 'sh', path: '/bin/sh' },
  entrypoint: ['docker-entrypoint.sh'],
  command: ['node', '$(HOME)/main.js'],
} as const;
const launches = new Map([['storm/web:1', launch]]);

for (const [what, container, argv] of [
  ['nothing', {}, ['docker-entrypoint.sh', 'node', '$$(HOME)/main.js']],
  ['empty lists', { command: [], args: [] }, ['docker-entrypoint.sh', 'node', '$$(HOME)/main.js']],
  ['args', { args: ['--flag', '$(PORT)'] }, ['docker-entrypoint.sh', '--flag', '$(PORT)']],
  ['command', { command: ['npm', 'start'] }, ['npm', 'start']],
  ['both', { command: ['npm'], args: ['start'] }, ['npm', 'start']],
] as const)
  test(`a container that gives ${what} runs the same under a supervisor`, () => {
    const spec = { containers: [{ name: 'main', image: 'storm/web:1', workingDir: '/x', ...container }] };
    const object: KubeObject = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec };
    const [main] = mainContainers(supervise(object, launches));
    assert.deepEqual(main, { ...spec.containers[0], command: supervisorCommand(launch.interpreter), args: argv });
    assert.deepEqual(supervise(object, launches), supervise(structuredClone(object), new Map(launches)));
  });

for (const object of workloads)
  test(`of a ${object.kind} only what goes on running is supervised`, () => {
    const pinned = pinImages(object, new Map([['storm/web', 'storm/web:1']]));
    const supervised = supervise(pinned, launches);
    if (object.kind === 'Job' || object.kind === 'CronJob') assert.deepEqual(supervised, pinned);
    else {
      const template = podTemplateOf(supervised) ?? assert.fail();
      const commands = (list: 'containers' | 'initContainers' | 'ephemeralContainers') =>
        containersOf(template, list).map((container) => supervisedBy(container['command'])?.kind);
      assert.deepEqual(commands('containers'), ['sh', undefined]);
      assert.deepEqual(commands('initContainers'), [undefined]);
      assert.deepEqual(commands('ephemeralContainers'), [undefined]);
    }
  });

test('an image that starts nothing by itself has nothing to supervise', () => {
  const spec = { containers: [{ name: 'main', image: 'storm/web:1' }] };
  const object: KubeObject = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec };
  assert.deepEqual(supervise(object, new Map([['storm/web:1', { ...launch, entrypoint: [], command: [] }]])), object);
});
