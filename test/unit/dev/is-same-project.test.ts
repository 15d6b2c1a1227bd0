import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadProject } from '../../../src/config/load-project.ts';
import { isSameProject } from '../../../src/dev/is-same-project.ts';
import { ScratchTree } from '../sync/container-folder.ts';

const config = (before: string, level: string) => `${before}apiVersion: stormctl.dev/v1
services:
  web: { build: web, forward: [3000] }
deploy: [{ manifests: ['k8s/*.yaml'] }]
forward: [{ to: service/web, port: 80, local: 8080 }]
logs: { exclude: [{ match: 'GET /${level}' }] }
`;

async function read(tree: ScratchTree, text: string) {
  await writeFile(join(tree.path, 'stormctl.yaml'), text);
  return loadProject({ file: undefined, environment: undefined, cwd: tree.path, env: {} });
}

test('a comment that moves every line means the same', async () => {
  using tree = new ScratchTree();
  tree.write('web/Dockerfile', 'FROM alpine');
  tree.write('k8s/web.yaml');
  const before = await read(tree, config('', 'health'));
  assert.ok(isSameProject(before, await read(tree, config('# a comment\n\n', 'health'))));
});

test('another expression, or another port, means something else', async () => {
  using tree = new ScratchTree();
  tree.write('web/Dockerfile', 'FROM alpine');
  tree.write('k8s/web.yaml');
  const before = await read(tree, config('', 'health'));
  assert.ok(!isSameProject(before, await read(tree, config('', 'ready'))));
  assert.ok(!isSameProject(before, await read(tree, config('', 'health').replace('8080', '8081'))));
});
