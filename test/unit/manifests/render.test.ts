import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { inputsOf } from '../../../src/manifests/inputs.ts';
import { render } from '../../../src/manifests/render.ts';
import type { DeployStep } from '../../../src/project.ts';
import { folderWith } from './folder-with.ts';

const at = { file: 'stormctl.yaml', line: 9, column: 5 };
const manifests = (...globs: string[]): DeployStep => ({ kind: 'manifests', globs, wait: false, at });
const kustomization = (folder: string): DeployStep => ({
  kind: 'kustomize',
  folder,
  readsAnywhere: false,
  enableHelm: false,
  wait: false,
  at,
});
const configMap = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n`;

async function renderAll(root: string, steps: readonly DeployStep[], env: NodeJS.ProcessEnv = process.env) {
  const rendered = await render(steps, { root, namespace: 'default', signal: new AbortController().signal, env });
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
  const root = await folderWith(t, {
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
  const root = await folderWith(t, { 'i/cm/a.yaml': configMap('a'), 'i/svc/b.yaml': configMap('b') });
  assert.deepEqual(await renderAll(root, [manifests('i/{cm,svc}/*.yaml', 'i/cm/a.yaml')]), [
    'a i/cm/a.yaml:1:1',
    'b i/svc/b.yaml:1:1',
  ]);
});

test('a List is taken apart', async (t) => {
  const items = ['a', 'b'].map((name) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } }));
  const root = await folderWith(t, { 'l.json': JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) });
  assert.deepEqual(await renderAll(root, [manifests('*.json')]), ['a l.json:1:1', 'b l.json:1:1']);
});

test('broken YAML is named with its position', async (t) => {
  const root = await folderWith(t, { 'a.yaml': 'apiVersion: v1\nkind: [ConfigMap\nmetadata: {}\n' });
  await assert.rejects(renderAll(root, [manifests('*.yaml')]), (error: Error & { kind?: string; where?: string }) => {
    assert.equal(error.kind, 'usage');
    assert.match(error.where ?? '', /^a\.yaml:[23]:\d+$/);
    return true;
  });
});

for (const [what, text, where, message] of [
  ['a key that stands twice', `${configMap('a')}data:\n  k: one\n  l: x\n  k: two\n`, 'a.yaml:8:3', /stands twice/],
  [
    'a key that stands twice after CRLF',
    configMap('a').replaceAll('\n', '\r\n') + 'kind: X\r\n',
    'a.yaml:5:1',
    /twice/,
  ],
  ['a tab that indents', `${configMap('a')}data:\n\tk: v\n`, 'a.yaml:6:1', /a tab indents this line/],
  ['a mistake in a later document', `\uFEFF${configMap('a')}---\nkind: 'x\n`, 'a.yaml:7:1', /broken YAML/],
  ['an alias of nothing', `${configMap('a')}data: *gone\n`, 'a.yaml:5:7', /gone/],
] as const)
  test(`${what} is refused at its place`, async (t) => {
    const root = await folderWith(t, { 'a.yaml': text });
    await assert.rejects(renderAll(root, [manifests('*.yaml')]), { kind: 'usage', where, message });
  });

for (const [field, text] of Object.entries({
  apiVersion: 'kind: ConfigMap\nmetadata: {name: a}\n',
  kind: 'apiVersion: v1\nmetadata: {name: a}\n',
  'metadata.name': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {labels: {a: b}}\n',
}))
  test(`a document without ${field} is refused with its position`, async (t) => {
    const root = await folderWith(t, { 'a.yaml': text });
    await assert.rejects(renderAll(root, [manifests('*.yaml')]), {
      kind: 'usage',
      where: 'a.yaml:1:1',
      message: `not a Kubernetes object: ${field} is missing`,
    });
  });

test('a name that YAML reads as a number is told to be one', async (t) => {
  const root = await folderWith(t, { 'a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 5}\n' });
  await assert.rejects(renderAll(root, [manifests('*.yaml')]), {
    message: 'not a Kubernetes object: metadata.name is 5, no text',
    next: 'put quotes around it',
  });
});

test('an object with a generateName and no name is refused at its place, and a Job is told what to do instead', async (t) => {
  const job = 'apiVersion: batch/v1\nkind: Job\nmetadata:\n  generateName: migrate-\n';
  const root = await folderWith(t, {
    'a.yaml': `${configMap('a')}---\n${job}`,
    'named.yaml': `${job}  name: migrate\n`,
  });
  await assert.rejects(renderAll(root, [manifests('a.yaml')]), {
    kind: 'usage',
    where: 'a.yaml:6:1',
    message: /^a Job with generateName migrate- and no name can't be applied/,
    next: /give it metadata\.name: .* again whenever its manifest/,
  });
  assert.deepEqual(await renderAll(root, [manifests('named.yaml')]), ['migrate named.yaml:1:1']);
});

test('an object that is given twice is refused, and both places are named', async (t) => {
  const root = await folderWith(t, { 'a.yaml': configMap('same'), 'b.yaml': configMap('same') });
  await assert.rejects(renderAll(root, [manifests('a.yaml'), manifests('b.yaml')]), {
    kind: 'usage',
    message: 'configmap/same is given twice: a.yaml:1:1 and b.yaml:1:1',
  });
});

test('kustomize is asked before kubectl, and its objects are named by their folder', async (t) => {
  const root = await folderWith(t, { 'k/kustomization.yaml': 'resources: []\n' });
  const PATH = await program(
    root,
    'kustomize',
    `[ "$1 $2" = "build ${root}/k" ] && printf '${configMap('own').replaceAll('\n', '\\n')}'`,
  );
  await program(root, 'kubectl', 'exit 1');
  assert.deepEqual(await renderAll(root, [kustomization(join(root, 'k'))], { PATH }), ['own kustomize k']);
});

test('kubectl renders where there is no kustomize', async (t) => {
  const root = await folderWith(t, { 'k/kustomization.yaml': 'resources: []\n' });
  const PATH = await program(
    root,
    'kubectl',
    `[ "$1" = kustomize ] && printf '${configMap('own').replaceAll('\n', '\\n')}'`,
  );
  assert.deepEqual(await renderAll(root, [kustomization(join(root, 'k'))], { PATH }), ['own kustomize k']);
});

test('neither kustomize nor kubectl is a failure that says what to install', async (t) => {
  const root = await folderWith(t, { 'k/kustomization.yaml': '' });
  await assert.rejects(renderAll(root, [kustomization(join(root, 'k'))], { PATH: root }), {
    kind: 'usage',
    message: /neither kustomize nor kubectl/,
    next: /install kubectl/,
    where: 'stormctl.yaml:9:5',
  });
});

const dev = 'resources: [../base]\n';
const up =
  "accumulating resources: accumulation err='accumulating resources from '../base': 'ROOT/base' must resolve to a file'";
const inBase = `${up}: recursed accumulation of path 'ROOT/base': `;
const lstat = "evalsymlink failure on 'ROOT/base/b.yaml' : lstat ROOT/base/b.yaml: no such file or directory";

for (const [said, files, told] of [
  [
    'no resource has a name',
    {},
    { message: "kustomize can't build k: no resource has a name", where: 'k/kustomization.yaml' },
  ],
  [
    `${inBase}accumulating resources: accumulating resources from 'a.yaml': MalformedYAMLError: yaml: line 2: mapping values are not allowed in this context in File: a.yaml`,
    { 'base/a.yaml': 'kind: A\n---\nkind: B\na: b: c\n', 'base/kustomization.yaml': 'resources: [a.yaml]\n' },
    { message: /^broken YAML: /, where: 'base/a.yaml:4:4', detail: /a: b: c/ },
  ],
  [
    `${inBase}accumulating resources: accumulation err='accumulating resources from 'b.yaml': ${lstat}': must build at directory: not a valid directory: ${lstat}`,
    { 'base/kustomization.yaml': 'resources:\n  - a.yaml\n  - b.yaml\n' },
    {
      message: "kustomize can't build k: base/b.yaml is not there",
      where: 'base/kustomization.yaml:3',
      detail: undefined,
      next: 'give it, or take it out of the kustomization',
    },
  ],
  [
    `${up}: couldn't make target for path 'ROOT/base': invalid Kustomization: json: unknown field "resourcez"`,
    { 'base/kustomization.yaml': 'kind: Kustomization\nresourcez: []\n' },
    {
      message: 'kustomize can\'t build k: unknown field "resourcez"',
      where: 'base/kustomization.yaml:2',
      detail: undefined,
    },
  ],
  [
    `${inBase}accumulating resources: accumulation err='merging resources from 'a.yaml': may not add resource with an already registered id: A': must build at directory: 'ROOT/base/a.yaml': file is not directory`,
    { 'base/kustomization.yaml': 'kind: Kustomization\nresources: [a.yaml, a.yaml]\n', 'base/a.yaml': '' },
    {
      message:
        "kustomize can't build k: merging resources from 'a.yaml': may not add resource with an already registered id: A",
      where: 'base/kustomization.yaml:2',
    },
  ],
  [
    `${inBase}trouble configuring builtin PatchTransformer with config: \`\npath: p.yaml\n\`: unable to parse SM or JSON patch from [path: "p.yaml"]`,
    { 'base/kustomization.yaml': '', 'base/p.yaml': 'a: 1\nb: [\n' },
    { message: /^broken YAML: /, where: /^base\/p\.yaml:3/ },
  ],
] as const)
  for (const form of ['error', 'log'] as const)
    test(`what kustomize says as an ${form} leads to where and what: ${told.message}`, async (t) => {
      const root = await folderWith(t, { 'k/kustomization.yaml': dev, ...files });
      const words = said.replaceAll('ROOT', root);
      const logged = words.includes('\n')
        ? `<\n${words.replaceAll(/^/gm, '\t')}\n >`
        : `"${words.replaceAll('"', '\\"')}"`;
      await writeFile(
        join(root, 'said'),
        form === 'error' ? `error: ${words}\n` : `E1121 run.go:72] "command failed" err=${logged}\n`,
      );
      const PATH = await program(
        root,
        'kustomize',
        `while IFS= read -r line; do printf '%s\\n' "$line"; done <${root}/said >&2; exit 1`,
      );
      await assert.rejects(renderAll(root, [kustomization(join(root, 'k'))], { PATH }), { kind: 'usage', ...told });
    });

test('an abort ends the renderer', async (t) => {
  const root = await folderWith(t, { 'k/kustomization.yaml': '' });
  const PATH = await program(root, 'kustomize', 'exec /bin/sleep 60');
  const signal = AbortSignal.timeout(50);
  await assert.rejects(
    render([kustomization(join(root, 'k'))], { root, namespace: 'default', signal, env: { PATH } }),
    {
      name: 'AbortError',
    },
  );
});

test('inputs of manifests are the matched files, and what the globs would match', async (t) => {
  const root = await folderWith(t, { 'infra/a.yaml': configMap('a'), 'one.yaml': configMap('o') });
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
  const root = await folderWith(t, {
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
  const { files, areas, remote } = await inputsOf(kustomization(join(root, 'overlays/dev')), root);
  assert.deepEqual(areas, []);
  assert.deepEqual(remote, ['https://example.com/x.yaml', 'github.com/org/repo?ref=v1']);
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

test('inputs of a kustomization are what its generators and transformers read, and the charts that it inflates', async (t) => {
  const root = await folderWith(t, {
    'k/kustomization.yaml': `
generators:
  - gen.yaml
  - parts
  - |-
    apiVersion: builtin
    kind: SecretGenerator
    metadata: {name: s}
    envs: [inline.env]
transformers: [patch.yaml]
openapi: {path: schema.json}
crds: [types.json]
vars: [{name: A, objref: {kind: Service, name: a, apiVersion: v1}}]
helmGlobals: {chartHome: ../charts}
helmCharts:
  - {name: web, valuesFile: web.yaml, additionalValuesFiles: [more.yaml]}
  - {name: far, repo: https://charts.example, version: 1.0.0}
`,
    'k/gen.yaml': `
apiVersion: builtin
kind: ConfigMapGenerator
metadata: {name: c}
files: [a.conf, b=b.conf]
---
apiVersion: builtin
kind: HelmChartInflationGenerator
metadata: {name: h}
name: db
chartHome: ../charts
valuesFile: db.yaml
`,
    'k/parts/kustomization.yaml': 'resources: [one.yaml]\n',
    'k/patch.yaml': 'apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: p}\npath: change.yaml\n',
  });
  const { files, areas, remote } = await inputsOf(kustomization(join(root, 'k')), root);
  assert.deepEqual(remote, ['https://charts.example far']);
  assert.deepEqual(areas.map(({ folder }) => folder.slice(root.length + 1)).toSorted(), ['charts/db', 'charts/web']);
  assert.deepEqual(files.map((input) => input.slice(root.length + 3)).toSorted(), [
    'a.conf',
    'b.conf',
    'change.yaml',
    'db.yaml',
    'gen.yaml',
    'inline.env',
    'kustomization.yaml',
    'more.yaml',
    'parts/kustomization.yaml',
    'parts/one.yaml',
    'patch.yaml',
    'schema.json',
    'types.json',
    'web.yaml',
  ]);
});

for (const renderer of ['kustomize', 'kubectl'])
  test(`${renderer} may run helm and read other folders only where the step says so`, async (t) => {
    const root = await folderWith(t, { 'k/kustomization.yaml': '' });
    const PATH = await program(
      root,
      renderer,
      `shift; printf 'apiVersion: v1\\nkind: "%s"\\nmetadata: {name: x}\\n' "$*"`,
    );
    const step = kustomization(join(root, 'k'));
    const kindOf = async (some: Partial<DeployStep>) => {
      const signal = new AbortController().signal;
      const steps = [{ ...step, ...some } as DeployStep];
      const [rendered] = await render(steps, { root, namespace: 'default', signal, env: { PATH } });
      return rendered?.objects[0]?.object.kind;
    };
    assert.equal(await kindOf({}), `${root}/k`);
    assert.equal(
      await kindOf({ enableHelm: true, readsAnywhere: true }),
      `${root}/k --enable-helm --load-restrictor LoadRestrictionsNone`,
    );
  });

for (const [words, next] of [
  ["Error: accumulating resources: security; file '/x/a.yaml' is not in or below '/x/k'", /loadRestrictor: none/],
  ['Error: trouble configuring builtin: must specify --enable-helm', /enableHelm: true/],
] as const)
  test(`"${words.slice(-40)}" is answered with the key that allows it`, async (t) => {
    const root = await folderWith(t, { 'k/kustomization.yaml': '' });
    const PATH = await program(
      root,
      'kustomize',
      `echo "# Warning: 'bases' is deprecated" >&2; echo "${words}" >&2; exit 1`,
    );
    await assert.rejects(renderAll(root, [kustomization(join(root, 'k'))], { PATH }), {
      message: `kustomize can't build k: ${words.slice('Error: '.length).replace('accumulating resources: ', '')}`,
      next,
    });
  });

test('what kustomize quotes of the values of a generator is not told', async (t) => {
  const root = await folderWith(t, { 'k/kustomization.yaml': '' });
  for (const [said, told] of [
    [
      'loading KV pairs: literal sources [pw=one-secret two-secret]: invalid literal source two-secret, expected key=value',
      'loading KV pairs: literal sources [pw=*** ***]: invalid literal source ***, expected key=value',
    ],
    [
      "MalformedYAMLError: yaml: unknown anchor 'one-secret' referenced in File: s.yaml",
      "MalformedYAMLError: yaml: unknown anchor '***' referenced in File: s.yaml",
    ],
  ] as const) {
    const PATH = await program(root, 'kustomize', `echo "Error: ${said}" >&2; exit 1`);
    await assert.rejects(renderAll(root, [kustomization(join(root, 'k'))], { PATH }), {
      message: `kustomize can't build k: ${told}`,
      detail: undefined,
    });
  }
});

test('a kustomization that can’t be parsed is still an input', async (t) => {
  const root = await folderWith(t, { 'k/kustomization.yaml': 'resources: [' });
  const { files } = await inputsOf(kustomization(join(root, 'k')), root);
  assert.deepEqual(files, [join(root, 'k/kustomization.yaml')]);
});
