import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { RenderMemory } from '../../../src/manifests/render-memory.ts';
import { render } from '../../../src/manifests/render.ts';
import type { DeployStep } from '../../../src/project.ts';

const at = { file: 'stormctl.yaml', line: 2, column: 5 };
const configMap = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\n`;

/** Two steps, each rendered by a program that notes that it ran. */
async function session(t: TestContext) {
  const root = await mkdtemp(join(tmpdir(), 'stormctl-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  };
  const printing = configMap('$name').replaceAll('\n', '\\n');
  for (const name of ['helm', 'kustomize']) {
    await write(`bin/${name}`, `#!/bin/sh\necho ${name} >> '${root}/ran'\nname=${name}\nprintf "${printing}"\n`);
    await chmod(join(root, 'bin', name), 0o755);
  }
  await write('k/kustomization.yaml', 'resources: [a.yaml]\n');
  await write('k/a.yaml', configMap('a'));
  await write('charts/web/Chart.yaml', 'name: web\n');
  await write('values.yaml', 'a: 1\n');
  const kustomize: DeployStep = {
    kind: 'kustomize',
    folder: join(root, 'k'),
    readsAnywhere: false,
    enableHelm: false,
    wait: false,
    at,
  };
  const helm = (set: Readonly<Record<string, unknown>> = {}): DeployStep => ({
    kind: 'helm',
    chart: { kind: 'local', path: join(root, 'charts/web') },
    release: 'web',
    namespace: undefined,
    values: [join(root, 'values.yaml')],
    set,
    wait: false,
    at,
  });
  const memory = new RenderMemory();
  /** @returns the programs that ran for it. */
  const again = async (steps: readonly DeployStep[] = [kustomize, helm()]) => {
    await writeFile(join(root, 'ran'), '');
    const signal = new AbortController().signal;
    const options = { root, namespace: 'default', signal, env: { PATH: join(root, 'bin') }, memory };
    const rendered = await render(steps, options);
    assert.deepEqual(
      rendered.map(({ objects }) => objects.map(({ object }) => object.metadata.name)),
      steps.map(({ kind }) => [kind]),
    );
    return (await readFile(join(root, 'ran'), 'utf8')).trim().split('\n').filter(Boolean).sort();
  };
  return { root, write, memory, again, kustomize, helm };
}

test('a step whose inputs hold the same is not rendered again, also when one was written anew', async (t) => {
  const { write, again } = await session(t);
  assert.deepEqual(await again(), ['helm', 'kustomize']);
  assert.deepEqual(await again(), []);
  await write('k/a.yaml', configMap('a'));
  await write('elsewhere.yaml', 'x');
  assert.deepEqual(await again(), []);
});

test('a changed input, a new file of the chart and other values render just their step again', async (t) => {
  const { root, write, again, kustomize, helm } = await session(t);
  await again();
  await write('k/a.yaml', configMap('b'));
  assert.deepEqual(await again(), ['kustomize']);
  await write('charts/web/templates/new.yaml', '');
  assert.deepEqual(await again(), ['helm']);
  await rm(join(root, 'charts/web/templates/new.yaml'));
  assert.deepEqual(await again(), ['helm']);
  await write('values.yaml', 'a: 2\n');
  assert.deepEqual(await again(), ['helm']);
  assert.deepEqual(await again([kustomize, helm({ a: 3 })]), ['helm']);
});

test('what a chart holds by a link to a folder counts, and a link to itself does no harm', async (t) => {
  const { root, write, again } = await session(t);
  await write('shared/templates/x.yaml', 'one');
  await mkdir(join(root, 'charts/web/charts'));
  await symlink(join(root, 'shared'), join(root, 'charts/web/charts/shared'));
  await symlink(join(root, 'charts/web'), join(root, 'charts/web/charts/self'));
  await again();
  await write('shared/templates/x.yaml', 'two');
  assert.deepEqual(await again(), ['helm']);
});

test('a render that fails is done again, and so is every one that is to be forgotten', async (t) => {
  const { root, write, memory, again, kustomize } = await session(t);
  await again();
  const sound = await readFile(join(root, 'bin/kustomize'), 'utf8');
  await write('bin/kustomize', '#!/bin/sh\nexit 1\n');
  await write('k/a.yaml', 'broken');
  await assert.rejects(again([kustomize]), { name: 'Failure' });
  await write('bin/kustomize', sound);
  assert.deepEqual(await again([kustomize]), ['kustomize']);
  memory.forget();
  assert.deepEqual(await again(), ['helm', 'kustomize']);
});
