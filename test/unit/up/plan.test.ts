import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failures } from '../../../src/errors.ts';
import { configMap, ProjectFolder, workload } from './support.ts';

async function failuresOf(planning: Promise<unknown>) {
  const error = await planning.then(
    () => assert.fail('it was planned'),
    (error: unknown) => error,
  );
  assert.ok(error instanceof Failures);
  return error.all.map(({ kind, message, where, next }) => ({ kind, message, where, next }));
}

test('objects know their stage, and the services whose image they run', async () => {
  using folder = new ProjectFolder();
  folder.service('web');
  folder.steps = [
    { glob: 'k8s/a*.yaml', wait: true },
    { glob: 'k8s/b*.yaml', wait: false },
    { glob: 'k8s/c*.yaml', wait: true },
  ];
  folder.manifest('a.yaml', configMap('a'));
  folder.manifest('b.yaml', workload('Deployment', 'b', 'storm/web:1'));
  folder.manifest('c.yaml', workload('Job', 'c', 'localhost:5000/storm/web'));
  const plan = await folder.plan();
  assert.deepEqual(
    plan.objects.map(({ object, stage, services }) => [object.metadata.name, stage, services]),
    [
      ['a', 0, []],
      ['b', 1, ['web']],
      ['c', 1, []],
    ],
  );
  assert.equal(plan.stages, 2);
});

test('dev builds and runs a service by its overrides, run as the manifests have it', async () => {
  using folder = new ProjectFolder();
  const dev = { target: 'development', command: ['watch'], args: undefined, env: {} };
  folder.service('web', 'storm/web', { dev });
  folder.manifest('web.yaml', workload('Deployment', 'web', 'storm/web'));
  const [run, inDev] = [await folder.plan(), await folder.plan({ mode: 'dev' })];
  assert.deepEqual([run.services[0]?.build.target, inDev.services[0]?.build.target], [undefined, 'development']);
  assert.doesNotMatch(JSON.stringify(run.objects), /watch/);
  assert.match(JSON.stringify(inDev.objects), /"command":\["watch"\]/);
});

test('a selection is of services and of workloads', async () => {
  using folder = new ProjectFolder();
  for (const name of ['web', 'api', 'job']) {
    folder.service(name);
    folder.manifest(`${name}.yaml`, workload('Deployment', `${name}-d`, `storm/${name}`));
  }
  const { services } = await folder.plan({ selection: ['web', 'job-d'] });
  assert.deepEqual(
    services.map(({ service, selected }) => [service.name, selected]),
    [
      ['web', true],
      ['api', false],
      ['job', true],
    ],
  );
});

test('an unused image and an unknown name are told together, each with the nearest', async () => {
  using folder = new ProjectFolder();
  folder.service('web', 'storm/wbe');
  folder.manifest('web.yaml', workload('Deployment', 'web', 'storm/web'));
  assert.deepEqual(await failuresOf(folder.plan({ selection: ['wep'] })), [
    {
      kind: 'usage',
      message: 'service web: no manifest uses the image storm/wbe',
      where: 'stormctl.yaml:1:1',
      next: 'did you mean storm/web?',
    },
    { kind: 'usage', message: 'there is no service or workload wep', where: undefined, next: 'did you mean web?' },
  ]);
});

for (const [apiVersion, kind, said, next] of [
  ['apps/v1', 'Deploymnet', 'apps/v1 Deploymnet is no kind whose pods are known', 'did you mean Deployment?'],
  ['v1', 'Deployment', 'Deployment is not of v1', 'correct its apiVersion: did you mean apps/v1?'],
  [
    'argoproj.io/v1alpha1',
    'Rollout',
    'argoproj.io/v1alpha1 Rollout is no kind whose pods are known',
    'correct apiVersion and kind, or name in `podTemplates` where the kind keeps its pods',
  ],
] as const)
  test(`an image that stands in a ${kind} of ${apiVersion} is not said to be missing`, async () => {
    using folder = new ProjectFolder();
    folder.service('web', 'storm/web');
    const manifest = workload('Deployment', 'web', 'storm/web:1').replace('apps/v1', apiVersion);
    folder.manifest('web.yaml', manifest.replace('Deployment', kind));
    assert.deepEqual(await failuresOf(folder.plan()), [
      {
        kind: 'usage',
        message: `service web: ${kind.toLowerCase()}/web has the image storm/web, but ${said}`,
        where: 'k8s/web.yaml:1:1',
        next,
      },
    ]);
  });

test('every missing Dockerfile is told, and a manifest that is broken too', async () => {
  using folder = new ProjectFolder();
  for (const name of ['web', 'api']) {
    const service = folder.service(name);
    const build = { ...service.build, dockerfile: folder.tree.at(`${name}/No`) };
    folder.services.splice(-1, 1, { ...service, build });
  }
  folder.manifest('web.yaml', 'kind: [');
  const failures = await failuresOf(folder.plan());
  assert.equal(failures.length, 3);
  assert.deepEqual(
    failures.filter(({ message }) => message === 'there is no Dockerfile').map(({ where }) => where),
    [folder.tree.at('web/No'), folder.tree.at('api/No')],
  );
});
