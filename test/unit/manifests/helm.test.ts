import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { GlobArea } from '../../../src/lib/glob.ts';
import { inputsOf } from '../../../src/manifests/inputs.ts';
import { render } from '../../../src/manifests/render.ts';
import type { HelmStep } from '../../../src/project.ts';

/** A chart, and a `helm` that notes how it is called and prints, or fails as, it is told. */
async function chart(t: TestContext, files: Readonly<Record<string, string>> = {}) {
  const root = await mkdtemp(join(tmpdir(), 'stormctl-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const all = { 'charts/web/Chart.yaml': 'apiVersion: v2\nname: site\nversion: 1.0.0\n', ...files };
  for (const [path, text] of Object.entries(all)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  const step: HelmStep = {
    kind: 'helm',
    chart: { kind: 'local', path: join(root, 'charts/web') },
    release: 'front',
    namespace: undefined,
    values: [],
    set: {},
    wait: false,
    at: { file: 'stormctl.yaml', line: 4, column: 5 },
  };
  const helm = async (prints: string, { says = '', exit = 0 } = {}) => {
    await mkdir(join(root, 'bin'), { recursive: true });
    await writeFile(join(root, 'prints'), prints);
    await writeFile(join(root, 'says'), says);
    const script = `#!/bin/sh\nprintf '%s\\n' "$@" > args; cat > input; cat prints; cat says >&2; exit ${exit}\n`;
    await writeFile(join(root, 'bin/helm'), script);
    await chmod(join(root, 'bin/helm'), 0o755);
  };
  const renderOne = async (some: Partial<HelmStep> = {}) => {
    const env = { PATH: [join(root, 'bin'), '/usr/bin', '/bin'].join(delimiter) };
    const signal = new AbortController().signal;
    const [rendered] = await render([{ ...step, ...some }], { root, namespace: 'shop', signal, env });
    return rendered?.objects ?? [];
  };
  const called = async () => ({
    args: (await readFile(join(root, 'args'), 'utf8')).trimEnd().split('\n'),
    input: await readFile(join(root, 'input'), 'utf8'),
  });
  return { root, step, helm, renderOne, called };
}

const configMap = (name: string, more = '') =>
  `---\n# Source: site/templates/${name}.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${more}`;

test('a chart is rendered with its release, its namespace, its files of values and its definitions', async (t) => {
  const { root, helm, renderOne, called } = await chart(t);
  await helm(configMap('a') + configMap('b'));
  const objects = await renderOne({ values: ['/v/one.yaml', '/v/two.yaml'] });
  assert.deepEqual(
    objects.map(({ object, where }) => [object.metadata.name, object.metadata.namespace, where]),
    [
      ['a', undefined, 'charts/web/templates/a.yaml'],
      ['b', undefined, 'charts/web/templates/b.yaml'],
    ],
  );
  const args = ['template', 'front', join(root, 'charts/web'), '--namespace', 'shop', '--include-crds'];
  assert.deepEqual(await called(), {
    args: [...args, '--values', '/v/one.yaml', '--values', '/v/two.yaml'],
    input: '',
  });
});

test('values of `set` come last, and on standard input alone', async (t) => {
  const { helm, renderOne, called } = await chart(t);
  await helm('');
  await renderOne({ values: ['/v.yaml'], set: { password: 'hunter22', size: 9007199254740993n, gone: null } });
  const { args, input } = await called();
  assert.deepEqual(args.slice(-4), ['--values', '/v.yaml', '--values', '-']);
  assert.doesNotMatch(args.join(' '), /hunter22/);
  assert.equal(input, '{"password":"hunter22","size":9007199254740993,"gone":null}');
});

test('a chart that helm fetches is named with its repository and version', async (t) => {
  const { helm, renderOne, called } = await chart(t);
  await helm(configMap('a'));
  const remote = { kind: 'remote', reference: 'redis', repo: 'https://charts.example', version: '1.2.3' } as const;
  const [only] = await renderOne({ chart: remote });
  assert.equal(only?.where, 'site/templates/a.yaml');
  const { args } = await called();
  assert.deepEqual(args.slice(2, 7), ['redis', '--repo', 'https://charts.example', '--version', '1.2.3']);
});

test('objects without a namespace go to the release’s, where their kind lives in one', async (t) => {
  const { helm, renderOne } = await chart(t);
  const object = (apiVersion: string, kind: string, more = '') =>
    `---\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: x${more} }\n`;
  const definition = `---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: zones.example.com }
spec: { group: example.com, scope: Cluster, names: { kind: Zone } }
`;
  await helm(
    [
      object('v1', 'Service'),
      object('v1', 'ConfigMap', ', namespace: own'),
      object('rbac.authorization.k8s.io/v1', 'ClusterRole'),
      object('example.com/v1', 'Zone'),
      object('example.com/v1', 'House'),
      definition,
    ].join(''),
  );
  const objects = await renderOne({ namespace: 'edge' });
  assert.deepEqual(
    objects.map(({ object: { kind, metadata } }) => `${kind} ${metadata.namespace}`),
    [
      'Service edge',
      'ConfigMap own',
      'ClusterRole undefined',
      'Zone undefined',
      'House edge',
      'CustomResourceDefinition undefined',
    ],
  );
});

test('hooks of an install are objects like the others; tests, upgrades and deletions are left out', async (t) => {
  const { helm, renderOne } = await chart(t);
  const hook = (name: string, on: string) => configMap(name, `  annotations: { helm.sh/hook: "${on}" }\n`);
  await helm(
    [
      hook('migrate', 'post-install, post-upgrade'),
      hook('seed', 'pre-install'),
      hook('smoke', 'test'),
      hook('old-smoke', 'test-success'),
      hook('upgrade', 'pre-upgrade'),
      hook('wipe', 'pre-delete,post-delete'),
      hook('back', 'pre-rollback'),
      configMap('plain'),
    ].join(''),
  );
  const objects = await renderOne();
  assert.deepEqual(
    objects.map(({ object }) => object.metadata.name),
    ['migrate', 'seed', 'plain'],
  );
});

test('a template that can’t be rendered is told in helm’s words, at its line, and without its warnings', async (t) => {
  const { helm, renderOne } = await chart(t, { 'charts/web/templates/web.yaml': '' });
  const error = 'Error: template: site/templates/web.yaml:12:20: executing "x" at <.Values.a.b>: nil pointer';
  await helm('', {
    says: `coalesce.go:289: warning\n${error}\n\nUse --debug flag to render out invalid YAML\n`,
    exit: 1,
  });
  await assert.rejects(renderOne(), {
    name: 'Failure',
    kind: 'usage',
    message: `helm can't render charts/web: ${error.slice(7)}`,
    where: 'charts/web/templates/web.yaml:12:20',
    detail: `coalesce.go:289: warning\n${error}`,
  });
});

for (const [locked, verb] of [
  [true, 'build'],
  [false, 'update'],
] as const)
  test(`missing dependencies are answered with helm dependency ${verb}`, async (t) => {
    const { helm, renderOne } = await chart(t, locked ? { 'charts/web/Chart.lock': '' } : {});
    const says =
      'Error: An error occurred while checking for chart dependencies. You may need to run `helm dependency build` to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: common\n';
    await helm('', { says, exit: 1 });
    await assert.rejects(renderOne(), {
      message: /missing in charts\/ directory: common$/,
      where: 'stormctl.yaml:4:5',
      next: `run \`helm dependency ${verb} charts/web\``,
    });
  });

test('no helm is a failure that says what to install', async (t) => {
  const { renderOne } = await chart(t);
  await assert.rejects(renderOne(), {
    kind: 'usage',
    message: 'helm is not on the PATH, and charts/web needs it',
    where: 'stormctl.yaml:4:5',
    next: /install it \(https:\/\/helm\.sh/,
  });
});

test('inputs of a chart are its folder, less what it ignores, its files of values and the local charts it needs', async (t) => {
  const { root, step } = await chart(t, {
    'charts/web/Chart.yaml':
      'dependencies: [{ name: lib, repository: "file://../lib" }, { name: far, repository: "https://x" }]\n',
    'charts/web/.helmignore': '# notes\n*.md\n/docs/\ntmp/\n!keep.md\nb?d.yaml\n',
    'charts/lib/Chart.yaml': 'dependencies: [{ name: web, repository: "file://../web" }]\n',
  });
  const { files, areas, remote } = await inputsOf({ ...step, values: ['/v.yaml'] }, root);
  assert.deepEqual([files, remote], [['/v.yaml'], []]);
  assert.deepEqual(
    areas.map(({ folder }) => folder),
    [join(root, 'charts/web'), join(root, 'charts/lib')],
  );
  const [area] = areas as readonly [GlobArea];
  const read = [
    'templates/a.yaml',
    'Chart.yaml',
    'values.yaml',
    'charts/sub-1.tgz',
    'sub/docs/x',
    '.helmignore',
    'tmp',
  ];
  const ignored = ['a.md', 'deep/a.md', 'docs/x', 'tmp/x', 'sub/tmp/x', 'bad.yaml', '.git/HEAD', '.stormctl/x'];
  assert.deepEqual(
    read.filter((file) => !area.matches(file)),
    [],
  );
  assert.deepEqual(
    ignored.filter((file) => area.matches(file)),
    [],
  );
  assert.deepEqual(
    ['docs', 'tmp', 'a/tmp', 'templates', 'charts'].map((folder) => area.mayMatchBelow(folder)),
    [false, false, false, true, true],
  );
});

test('a packed chart is one file, and one that helm fetches is said not to be watched', async (t) => {
  const { root, step } = await chart(t);
  const packed = await inputsOf({ ...step, chart: { kind: 'local', path: '/c/web-1.tgz' } }, root);
  assert.deepEqual(packed, { files: ['/c/web-1.tgz'], areas: [], remote: [] });
  const reference = 'oci://registry.example/charts/web';
  const remote = { kind: 'remote', reference, repo: undefined, version: undefined } as const;
  assert.deepEqual(await inputsOf({ ...step, chart: remote }, root), { files: [], areas: [], remote: [reference] });
});
