import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadProject } from '../../../src/config/load-project.ts';
import { Mask } from '../../../src/lib/mask.ts';
import { explainPaths } from '../../../src/dev/why.ts';
import { ScratchTree } from '../sync/container-folder.ts';

test('a folder does nothing by itself, and a file in it what its rule says', async () => {
  using tree = new ScratchTree();
  tree.write('Dockerfile', 'FROM alpine\nCOPY src /app/\n');
  tree.write('src/a.ts', 'a');
  tree.write(
    'pod.yaml',
    '{ apiVersion: v1, kind: Pod, metadata: { name: web }, spec: { containers: [{ name: web, image: web }] } }',
  );
  tree.write(
    'stormctl.yaml',
    "services: { web: { build: ., sync: [{ from: 'src/**', to: /app }] } }\ndeploy: [{ manifests: [pod.yaml] }]",
  );
  const project = await loadProject({ file: undefined, environment: undefined, cwd: tree.path, env: {} });
  const signal = new AbortController().signal;
  const up = { project, selection: [], context: undefined, env: {}, mask: new Mask(), report: () => {}, signal };
  const found = await explainPaths(up, [], [tree.at('src'), tree.at('src/a.ts')]);
  assert.deepEqual(
    found.map(({ action, service, because }) => [action, service, because.split(' ').slice(0, 4).join(' ')]),
    [
      ['ignore', undefined, 'it is a folder:'],
      ['sync', 'web', 'src/** → /app (stormctl.yaml:1:37)'],
    ],
  );
});
