import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { filesIn } from '../../../src/lib/glob.ts';
import { inputsOf } from '../../../src/manifests/inputs.ts';
import { renderYaml } from '../../../src/manifests/render-yaml.ts';
import { render } from '../../../src/manifests/render.ts';
import type { DeployStep, HelmStep, KustomizeStep } from '../../../src/project.ts';

const at = { file: 'stormctl.yaml', line: 5, column: 5 };

/** @returns why tests that need a program are skipped; undefined where it is there. */
function without(program: string, ...args: readonly string[]): string | undefined {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return undefined;
  } catch {
    return `needs ${program} on the PATH`;
  }
}

const noKubectl = without('kubectl', 'version', '--client');
const noHelm = without('helm', 'version', '--short');

/** A folder of files, where steps are rendered by the real programs. */
class Tree {
  root = '';

  async make(files: Readonly<Record<string, string>>): Promise<void> {
    this.root = await mkdtemp(join(tmpdir(), 'stormctl-renderers-'));
    for (const [path, text] of Object.entries(files)) await this.write(path, text);
  }

  async write(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(this.root, path)), { recursive: true });
    await writeFile(join(this.root, path), text);
  }

  async render(step: DeployStep): Promise<string> {
    const signal = new AbortController().signal;
    const [rendered] = await render([step], { root: this.root, namespace: 'shop', signal, env: process.env });
    return renderYaml(rendered?.objects.map(({ object }) => object) ?? []);
  }

  /** @returns the files of the step's inputs, relative. */
  async inputs(step: DeployStep): Promise<readonly string[]> {
    const { files, areas } = await inputsOf(step, this.root);
    const inside = await Promise.all(areas.map(filesIn));
    return [...new Set([...files, ...inside.flat()])].map((file) => file.slice(this.root.length + 1));
  }

  /** @returns the files without which the step gives something else, or nothing: those that it really reads. */
  async read(step: DeployStep, files: readonly string[]): Promise<readonly string[]> {
    const whole = await this.render(step);
    const read: string[] = [];
    for (const file of files) {
      const text = await readFile(join(this.root, file), 'utf8');
      await rm(join(this.root, file));
      if ((await this.render(step).catch(() => 'failed')) !== whole) read.push(file);
      await this.write(file, text);
    }
    return read;
  }
}

const configMap = (name: string, value = 'one') =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { k: ${value} }\n`;

const kustomization = {
  'k/overlay/kustomization.yaml': `
resources: [../base, more.yaml]
components: [../part]
patches: [{ path: patch.yaml }]
replacements: [{ path: swap.yaml }]
configurations: [names.yaml]
generators: [gen.yaml]
transformers: [change.yaml, ../changes]
configMapGenerator: [{ name: c, files: [app.conf, other=raw.txt], envs: [c.env] }]
secretGenerator: [{ name: s, envs: [s.env] }]
`,
  'k/overlay/more.yaml': configMap('more'),
  'k/overlay/patch.yaml': configMap('base', 'patched'),
  'k/overlay/swap.yaml':
    'source: { kind: ConfigMap, name: base, fieldPath: data.k }\ntargets: [{ select: { name: more }, fieldPaths: [data.k] }]\n',
  'k/overlay/names.yaml': 'commonLabels: [{ path: metadata/labels, create: true }]\n',
  'k/overlay/gen.yaml':
    'apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: { name: g }\nname: g\nfiles: [gen.conf]\n',
  'k/overlay/gen.conf': 'generated',
  'k/overlay/change.yaml':
    'apiVersion: builtin\nkind: PatchTransformer\nmetadata: { name: p }\npath: changed.yaml\ntarget: { name: more }\n',
  'k/overlay/changed.yaml': '- { op: add, path: /data/x, value: y }\n',
  'k/changes/kustomization.yaml': 'resources: [more.yaml]\n',
  'k/changes/more.yaml':
    'apiVersion: builtin\nkind: PatchTransformer\nmetadata: { name: q }\npath: changed-more.yaml\ntarget: { name: part }\n',
  'k/overlay/changed-more.yaml': '- { op: add, path: /data/z, value: y }\n',
  'k/overlay/app.conf': 'app',
  'k/overlay/raw.txt': 'raw',
  'k/overlay/c.env': 'A=1\n',
  'k/overlay/s.env': 'P=hunter22\n',
  'k/overlay/unused.yaml': configMap('unused'),
  'k/base/kustomization.yml': 'resources: [base.yaml]\n',
  'k/base/base.yaml': configMap('base'),
  'k/part/kustomization.yaml':
    'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [part.yaml]\n',
  'k/part/part.yaml': configMap('part'),
};

const namespace = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: base }\n';
const plainPatches =
  'components: [part]\npatches: [{ path: patch.yaml }]\nconfigMapGenerator: [{ name: made, literals: [k=1] }]\n';

describe('kustomize', { skip: noKubectl }, () => {
  const tree = new Tree();
  const step = (folder: string, more: Partial<KustomizeStep> = {}): KustomizeStep => ({
    kind: 'kustomize',
    folder: join(tree.root, folder),
    readsAnywhere: false,
    enableHelm: false,
    wait: false,
    at,
    ...more,
  });
  before(() => tree.make(kustomization));
  after(() => rm(tree.root, { recursive: true }));

  test('every file that a kustomization reads is an input, and no other', async () => {
    const overlay = step('k/overlay');
    const files = Object.keys(kustomization);
    const read = await tree.read(overlay, files);
    assert.ok(read.length >= 14, read.join(' '));
    const inputs = await tree.inputs(overlay);
    assert.deepEqual(
      read.filter((file) => !inputs.includes(file)),
      [],
    );
    assert.deepEqual(inputs.toSorted(), files.filter((file) => !file.endsWith('unused.yaml')).toSorted());
  });

  test('what a kustomization gives is found again where it is written, by the name that kustomize gives it', async () => {
    await tree.write('p/base/kustomization.yaml', 'namePrefix: a-\nresources: [all.yaml]\n');
    await tree.write('p/base/all.yaml', `${namespace}---\n${configMap('web')}---\n${configMap('db')}`);
    await tree.write('p/kustomization.yaml', `${plainPatches}namespace: dev\nnameSuffix: -z\nresources: [base]\n`);
    await tree.write('p/part/kustomization.yaml', `kind: Component\nnamePrefix: c-\nresources: [more.yaml]\n`);
    await tree.write('p/part/more.yaml', configMap('more'));
    await tree.write('p/patch.yaml', configMap('web', 'patched'));
    const signal = new AbortController().signal;
    const [rendered] = await render([step('p')], { root: tree.root, namespace: 'shop', signal, env: process.env });
    const found = (rendered?.objects ?? []).map(
      async ({ object, pinpoint }) => `${object.metadata.name} ${await pinpoint?.(['data.k'])}`,
    );
    assert.deepEqual((await Promise.all(found)).toSorted(), [
      'c-a-db-z p/base/all.yaml:13:9',
      'c-a-web-z p/patch.yaml:4:9',
      'c-made-z-bbd6m56k95 kustomize p',
      'c-more-z p/part/more.yaml:4:9',
      'dev p/base/all.yaml:1:1, by kustomize p',
    ]);
  });

  test('files of other folders are read only where the step allows it', async () => {
    await tree.write('out/kustomization.yaml', 'resources: [../k/base/base.yaml]\n');
    await assert.rejects(tree.render(step('out')), {
      kind: 'usage',
      message: /^kustomize can't build out: /,
      next: /`loadRestrictor: none`/,
      where: 'out/kustomization.yaml:1',
    });
    assert.match(await tree.render(step('out', { readsAnywhere: true })), /name: base/);
  });

  test('a chart is inflated only where the step allows it', { skip: noHelm }, async () => {
    await tree.write('h/kustomization.yaml', 'helmCharts: [{ name: site, valuesFile: values.yaml }]\n');
    await tree.write('h/values.yaml', 'word: from-values\n');
    for (const [path, text] of Object.entries(chart))
      await tree.write(path.replace('charts/web', 'h/charts/site'), text);
    await assert.rejects(tree.render(step('h')), { next: /`enableHelm: true`/ });
    const inflated = step('h', { enableHelm: true });
    assert.match(await tree.render(inflated), /k: from-values/);
    const inputs = await tree.inputs(inflated);
    for (const file of ['h/values.yaml', 'h/charts/site/templates/a.yaml']) assert.ok(inputs.includes(file), file);
  });
});

const chart = {
  'charts/web/Chart.yaml': 'apiVersion: v2\nname: site\nversion: 1.0.0\n',
  'charts/web/.helmignore': '*.md\n',
  'charts/web/values.yaml': 'word: default\ngone: there\n',
  'charts/web/templates/a.yaml': `apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }}-a, namespace: {{ .Release.Namespace }} }
data: { k: {{ .Values.word }}, gone: {{ .Values.gone | default "away" }}, file: {{ .Files.Get "note.txt" | quote }} }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: test, annotations: { helm.sh/hook: test } }
---
apiVersion: batch/v1
kind: Job
metadata: { name: migrate, annotations: { helm.sh/hook: "pre-install,pre-upgrade" } }
`,
  'charts/web/note.txt': 'a note',
  'charts/web/README.md': 'ignored',
  'charts/web/crds/houses.yaml':
    'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: { name: houses.example.com }\n',
};

describe('helm', () => {
  const tree = new Tree();
  const step = (more: Partial<HelmStep> = {}): HelmStep => ({
    kind: 'helm',
    chart: { kind: 'local', path: join(tree.root, 'charts/web') },
    release: 'front',
    namespace: undefined,
    values: [],
    set: {},
    wait: false,
    at,
    ...more,
  });
  before(async () => {
    await tree.make(chart);
    await tree.write('dev.yaml', 'word: from-file\n');
  });
  after(() => rm(tree.root, { recursive: true }));

  test('values of the chart, of a file and of `set` count in this order; definitions and hooks of an install are there', {
    skip: noHelm,
  }, async () => {
    const values = [join(tree.root, 'dev.yaml')];
    assert.match(
      await tree.render(step()),
      /name: front-a\n {2}namespace: shop\ndata:\n {2}k: default\n {2}gone: there/,
    );
    assert.match(await tree.render(step({ values })), /k: from-file/);
    const text = await tree.render(step({ values, set: { word: 'from-set', gone: null }, namespace: 'edge' }));
    assert.match(text, /namespace: edge\ndata:\n {2}k: from-set\n {2}gone: away\n {2}file: a note/);
    assert.deepEqual(
      [...text.matchAll(/^kind: (\w+)/gm)].map(([, kind]) => kind),
      ['CustomResourceDefinition', 'ConfigMap', 'Job'],
    );
  });

  test('every file that a chart reads is an input, and no file that it ignores', { skip: noHelm }, async () => {
    const files = Object.keys(chart);
    const read = await tree.read(step(), files);
    const inputs = await tree.inputs(step());
    assert.deepEqual(
      read.filter((file) => !inputs.includes(file)),
      [],
    );
    assert.equal(inputs.includes('charts/web/README.md'), false);
  });

  for (const [what, file, text, message, where] of [
    ['a value that is not there', 'templates/b.yaml', 'a: 1\nb: {{ .Values.x.y }}\n', /nil pointer/, /b\.yaml:2:\d+$/],
    ['a template that can’t be parsed', 'templates/b.yaml', 'a: {{ .Values.word }\n', /parse error/, /b\.yaml:1$/],
    ['YAML that is none', 'templates/b.yaml', 'a: [1\nb: 2\n', /YAML parse error/, /b\.yaml$/],
    ['a chart file that is none', 'Chart.yaml', 'name: [', /./, /:/],
  ] as const)
    test(`${what} is told in helm's words, with the file`, { skip: noHelm }, async () => {
      const path = `charts/web/${file}`;
      await tree.write(path, text);
      try {
        await assert.rejects(tree.render(step()), (error: Error & { kind: string; where: string; detail: string }) => {
          assert.equal(error.kind, 'usage');
          assert.match(error.message, /^helm can't render charts\/web: /);
          assert.match(error.message, message);
          assert.match(error.where, where);
          assert.doesNotMatch(error.detail, /--debug|at \w+ \(/);
          return true;
        });
      } finally {
        if (file === 'Chart.yaml') await tree.write(path, chart['charts/web/Chart.yaml']);
        else await rm(join(tree.root, path));
      }
    });

  test('a dependency that is missing is answered with the command that gets it', { skip: noHelm }, async () => {
    const dependency = 'dependencies: [{ name: lib, version: 1.0.0, repository: "file://../lib" }]\n';
    await tree.write('charts/web/Chart.yaml', chart['charts/web/Chart.yaml'] + dependency);
    await tree.write('charts/lib/Chart.yaml', 'apiVersion: v2\nname: lib\nversion: 1.0.0\n');
    await assert.rejects(tree.render(step()), { next: 'run `helm dependency update charts/web`' });
    execFileSync('helm', ['dependency', 'update', 'charts/web'], { cwd: tree.root, stdio: 'ignore' });
    assert.match(await tree.render(step()), /front-a/);
    assert.ok((await tree.inputs(step())).includes('charts/lib/Chart.yaml'));
  });
});
