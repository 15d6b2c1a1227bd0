import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forwardRules, nodePortUrls } from '../../../src/up/endpoints.ts';
import { ProjectFolder, workload } from './support.ts';

const at = { file: 'stormctl.yaml', line: 7, column: 3 };
const forward = [{ local: undefined, port: 3000, at }];

test('a service’s forward leads to what goes on running its image, not to a Job before it', async () => {
  using folder = new ProjectFolder();
  folder.service('web', 'storm/web', { forward });
  folder.manifest('1.yaml', workload('Job', 'migrate', 'storm/web'));
  folder.manifest('2.yaml', workload('StatefulSet', 'web-set', 'storm/web'));
  const rules = forwardRules(folder.project, await folder.plan());
  assert.deepEqual(rules, [
    { target: { kind: 'StatefulSet', name: 'web-set' }, port: 3000, local: undefined, address: '127.0.0.1', at },
  ]);
});

test('a service that only a Job runs can not be forwarded to', async () => {
  using folder = new ProjectFolder();
  folder.service('web', 'storm/web', { forward });
  folder.manifest('1.yaml', workload('Job', 'migrate', 'storm/web'));
  const plan = await folder.plan();
  assert.throws(() => forwardRules(folder.project, plan), { kind: 'usage', where: 'stormctl.yaml:7:3' });
});

test('a service that was not asked for has no forwards', async () => {
  using folder = new ProjectFolder();
  folder.service('web', 'storm/web', { forward });
  folder.service('api');
  folder.manifest('1.yaml', workload('Deployment', 'web', 'storm/web'));
  folder.manifest('2.yaml', workload('Deployment', 'api', 'storm/api'));
  assert.deepEqual(forwardRules(folder.project, await folder.plan({ selection: ['api'] })), []);
});

test('a NodePort that a node publishes has a URL, and no other port has', async () => {
  using folder = new ProjectFolder();
  const ports = 'ports: [{ port: 80, nodePort: 30080 }, { port: 81, nodePort: 30081 }, { port: 82 }]';
  folder.manifest('s.yaml', `apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { ${ports} }\n`);
  const published = [{ container: 30080, host: 8080, address: '0.0.0.0' }];
  assert.deepEqual(nodePortUrls(await folder.plan(), published), [
    { name: 'service/web', url: 'http://localhost:8080' },
  ]);
});

test('forward: auto leads to the Services, and of them to those of what was asked for', async () => {
  using folder = new ProjectFolder();
  folder.service('web', 'storm/web');
  folder.manifest('1.yaml', workload('Deployment', 'web', 'storm/web'));
  folder.manifest('2.yaml', workload('Deployment', 'db', 'postgres:15'));
  const service = (name: string, port: number) =>
    `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { selector: { app: ${name} }, ports: [{ port: ${port} }] }\n`;
  folder.manifest('3.yaml', service('web', 3000));
  folder.manifest('4.yaml', service('db', 5432));
  const project = { ...folder.project, autoForward: { offset: 0, at } };
  const told = async (selection: readonly string[]) =>
    forwardRules(project, await folder.plan({ selection }), selection).map(
      ({ target, preferred }) => `${target.name} ${preferred}`,
    );
  assert.deepEqual(await told([]), ['web 3000', 'db 5432']);
  assert.deepEqual(await told(['db']), ['db 5432']);
  assert.deepEqual(await told(['web']), ['web 3000']);
});
