import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { inputsOf, render } from '../../../src/manifests/render.ts';
import type { DeployStep } from '../../../src/project.ts';

async function project(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'stormctl-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

const at = { file: 'stormctl.yaml', line: 9, column: 5 };
const manifests = (...globs: string[]): DeployStep => ({ kind: 'manifests', globs, wait: false, at });
const kustomization = (folder: string): DeployStep => ({ kind: 'kustomize', folder, wait: false, at });
const configMap = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n`;

async function renderAll(root: string, steps: readonly DeployStep[], env: NodeJS.ProcessEnv = process.env) {
  const rendered = await render(steps, { root, signal: new AbortController().signal, env });
  return rendered.flatMap(({ objects }) => objects.map(({ object, where }) => `${object.metadata.name} ${where}`));
}

/** A program of that name in a folder of its own, for a PATH that has nothing else. */
async function program(root: string, name: string, script: string): Promise<string> {
  const file = join(root, 'bin', name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return dirname(file);
}

test('manifests are read in the order of their names, each document where it stands', async (t) => {
  const root = await project(t, {
    'infra/b.yaml': configMap('b'),
    'infra/a.yaml': `${configMap('a1')}---\n# only a comment\n---\n${configMap('a2')}`,
    'infra/deep/c.yaml': configMap('c'),
    'infra/node_modules/x.yaml': configMap('x'),
    'infra/notes.txt': 'no',
  });
  assert.deepEqual(await renderAll(root, [manifests('infra/**/*.yaml')]), [
    'a1 infra/a.yaml:1:1',
    'a2 infra/a.yaml:8:1',
    'b infra/b.yaml:1:1',
    'c infra/deep/c.yaml:1:1',
  ]);
});

test('braces, a plain file and two globs that match the same file give each object once', async (t) => {
  const root = await project(t, { 'i/cm/a.yaml': configMap('a'), 'i/svc/b.yaml': configMap('b') });
  assert.deepEqual(await renderAll(root, [manifests('i/{cm,svc}/*.yaml', 'i/cm/a.yaml')]), [
    'a i/cm/a.yaml:1:1',
    'b i/svc/b.yaml:1:1',
  ]);
});

test('a List is taken apart', async (t) => {
  const items = ['a', 'b'].map((name) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } }));
  const root = await project(t, { 'l.json': JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) });
  assert.deepEqual(await renderAll(root, [manifests('*.json')]), ['a l.json:1:1', 'b l.json:1:1']);
});

test('broken YAML is named with its position', async (t) => {
  const root = await project(t, { 'a.yaml': 'apiVersion: v1\nkind: [ConfigMap\nmetadata: {}\n' });
  await assert.rejects(renderAll(root, [manifests('*.yaml')]), (error: Error & { kind?: string; where?: string }) => {
    assert.equal(error.kind, 'usage');
    assert.match(error.where ?? '', /^a\.yaml:[23]:\d+$/);
    return true;
  });
});

for (const [field, text] of Object.entries({
  apiVersion: 'kind: ConfigMap\nmetadata: {name: a}\n',
  kind: 'apiVersion: v1\nmetadata: {name: a}\n',
  'metadata.name': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: a}\n',
}))
  test(`a document without ${field} is refused with its position`, async (t) => {
    const root = await project(t, { 'a.yaml': text });
    await assert.rejects(renderAll(root, [manifests('*.yaml')]), {
      kind: 'usage',
      where: 'a.yaml:1:1',
      message: `not a Kubernetes object: ${field} is missing`,
    });
  });

test('an object that is given twice is refused, and both places are named', async (t) => {
  const root = await project(t, { 'a.yaml': configMap('same'), 'b.yaml': configMap('same') });
  await assert.rejects(renderAll(root, [manifests('a.yaml'), manifests('b.yaml')]), {
    kind: 'usage',
    message: 'configmap/same is given twice: a.yaml:1:1 and b.yaml:1:1',
  });
});

test('kustomize is asked before kubectl, and its objects are named by their folder', async (t) => {
  const root = await project(t, { 'k/kustomization.yaml': 'resources: []\n' });
  const PATH = await program(
    root,
    'kustomize',
    `[ "$1 $2" = "build ${root}/k" ] && printf '${configMap('own').replaceAll('\n', '\\n')}'`,
  );
  await program(root, 'kubectl', 'exit 1');
  assert.deepEqual(await renderAll(root, [kustomization(join(root, 'k'))], { PATH }), ['own kustomize k']);
});

test('kubectl renders where there is no kustomize', async (t) => {
  const root = await project(t, { 'k/kustomization.yaml': 'resources: []\n' });
  const PATH = await program(
    root,
    'kubectl',
    `[ "$1" = kustomize ] && printf '${configMap('own').replaceAll('\n', '\\n')}'`,
  );
  assert.deepEqual(await renderAll(root, [kustomization(join(root, 'k'))], { PATH }), ['own kustomize k']);
});

test('neither kustomize nor kubectl is a failure that says what to install', async (t) => {
  const root = await project(t, { 'k/kustomization.yaml': '' });
  await assert.rejects(renderAll(root, [kustomization(join(root, 'k'))], { PATH: root }), {
    kind: 'usage',
    message: /neither kustomize nor kubectl/,
    next: /install kubectl/,
    where: 'stormctl.yaml:9:5',
  });
});

test('a kustomization that can’t be built is told in kustomize’s own words, with its folder', async (t) => {
  const root = await project(t, { 'k/kustomization.yaml': '' });
  const PATH = await program(root, 'kustomize', 'echo "Error: accumulating resources: no such file" >&2; exit 1');
  await assert.rejects(renderAll(root, [kustomization(join(root, 'k'))], { PATH }), {
    kind: 'usage',
    message: "kustomize can't build k: accumulating resources: no such file",
    detail: 'Error: accumulating resources: no such file',
  });
});

test('an abort ends the renderer', async (t) => {
  const root = await project(t, { 'k/kustomization.yaml': '' });
  const PATH = await program(root, 'kustomize', 'exec /bin/sleep 60');
  const signal = AbortSignal.timeout(50);
  await assert.rejects(render([kustomization(join(root, 'k'))], { root, signal, env: { PATH } }), {
    name: 'AbortError',
  });
});

test('inputs of manifests are the matched files, and what the globs would match', async (t) => {
  const root = await project(t, { 'infra/a.yaml': configMap('a'), 'one.yaml': configMap('o') });
  const { files, areas } = await inputsOf(manifests('infra/*.yaml', 'one.yaml', 'absent/*.yaml'), root);
  assert.deepEqual(files, [join(root, 'infra/a.yaml'), join(root, 'one.yaml')]);
  assert.deepEqual(
    areas.map(({ folder, matches }) => [folder, matches('new.yaml'), matches('deep/new.yaml'), matches('new.json')]),
    [
      [join(root, 'infra'), true, false, false],
      [join(root, 'absent'), true, false, false],
    ],
  );
});

test('inputs of a kustomization are all the files on its way down, there or not, and nothing remote', async (t) => {
  const root = await project(t, {
    'overlays/dev/kustomization.yaml': `
resources: [../../base, extra.yaml, 'https://example.com/x.yaml', 'github.com/org/repo?ref=v1']
components: [../../parts/debug]
patches:
  - path: patch.yaml
  - patch: |-
      - op: remove
        path: /spec
    target: {kind: Service}
patchesStrategicMerge: [old.yaml]
replacements: [{path: swap.yaml}]
configurations: [names.yaml]
configMapGenerator:
  - {name: c, files: [app.conf, other=data/raw.bin], envs: [c.env], literals: [a=b]}
secretGenerator:
  - {name: s, env: s.env}
`,
    'base/kustomization.yml': 'resources: [web.yaml, missing.yaml]\n',
    'base/web.yaml': configMap('web'),
    'parts/debug/Kustomization': 'resources: [../../base]\n',
  });
  const { files, areas } = await inputsOf(kustomization(join(root, 'overlays/dev')), root);
  assert.deepEqual(areas, []);
  assert.deepEqual(files.map((input) => input.slice(root.length + 1)).toSorted(), [
    'base/kustomization.yml',
    'base/missing.yaml',
    'base/web.yaml',
    'overlays/dev/app.conf',
    'overlays/dev/c.env',
    'overlays/dev/data/raw.bin',
    'overlays/dev/extra.yaml',
    'overlays/dev/kustomization.yaml',
    'overlays/dev/names.yaml',
    'overlays/dev/old.yaml',
    'overlays/dev/patch.yaml',
    'overlays/dev/s.env',
    'overlays/dev/swap.yaml',
    'parts/debug/Kustomization',
  ]);
});

test('a kustomization that can’t be parsed is still an input', async (t) => {
  const root = await project(t, { 'k/kustomization.yaml': 'resources: [' });
  const { files } = await inputsOf(kustomization(join(root, 'k')), root);
  assert.deepEqual(files, [join(root, 'k/kustomization.yaml')]);
});
