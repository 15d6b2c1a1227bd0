import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { loadProject } from '../../../src/config/load-project.ts';
import type { Failure } from '../../../src/errors.ts';
import { discover } from '../../../src/discover/discover.ts';
import { initProject } from '../../../src/discover/init-project.ts';
import { writeConfig } from '../../../src/discover/write-config.ts';
import type { Project } from '../../../src/project.ts';

const workload = (name: string, image: string, rest = '') => `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}${rest} }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec: { containers: [{ name: main, image: ${image} }] }
`;
const service = (name: string, port: number) => `apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { selector: { app: ${name} }, ports: [{ port: ${port} }] }
`;

describe('discover', () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'stormctl-discover-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  async function tree(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [file, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, file)), { recursive: true });
      await writeFile(join(root, file), text);
    }
  }

  async function roundTrip(): Promise<Project> {
    await writeFile(join(root, 'stormctl.yaml'), await writeConfig(await discover(root)));
    return loadProject({ file: undefined, environment: undefined, cwd: root, env: {} });
  }

  it('matches images to Dockerfiles by the name of their folder', async () => {
    await tree({
      'services/user/Dockerfile': 'FROM scratch\n',
      'services/media-service/Dockerfile': 'FROM scratch\n',
      'docker/web.Dockerfile': 'FROM scratch\n',
      'tools/Dockerfile': 'FROM scratch\n',
      'node_modules/x/Dockerfile': 'FROM scratch\n',
      '.cache/y/Dockerfile': 'FROM scratch\n',
      'k8s/all.yaml': [
        workload('user', 'reg.example.com/storm/user-service:1.2'),
        workload('media', 'storm/media-service'),
        workload('web', 'web:latest'),
        workload('db', 'postgres:15-alpine'),
      ].join('---\n'),
    });
    const { services, unmatched } = await discover(root);
    assert.deepEqual(services, [
      {
        name: 'user-service',
        image: 'reg.example.com/storm/user-service',
        context: 'services/user',
        dockerfile: 'Dockerfile',
        restarts: false,
      },
      {
        name: 'media-service',
        image: 'storm/media-service',
        context: 'services/media-service',
        dockerfile: 'Dockerfile',
        restarts: false,
      },
      { name: 'web', image: 'web', context: 'docker', dockerfile: 'web.Dockerfile', restarts: false },
    ]);
    assert.deepEqual(unmatched, ['tools/Dockerfile']);
  });

  it('takes the last Dockerfile and the last image without a version together', async () => {
    await tree({ Dockerfile: 'FROM scratch\n', 'k8s/a.yaml': workload('shop', 'acme/shop') });
    assert.deepEqual((await discover(root)).services, [
      { name: 'shop', image: 'acme/shop', context: '.', dockerfile: 'Dockerfile', restarts: false },
    ]);
  });

  it('finds the folder that a Dockerfile copies from', async () => {
    await tree({
      'go.mod': '',
      'pkg/a.go': '',
      'services/api/main.go': '',
      'services/api/Dockerfile': 'FROM a AS b\nCOPY go.mod pkg* ./\nCOPY services/api .\nFROM c\nCOPY --from=b /x /x\n',
      'services/web/main.js': '',
      'services/web/Dockerfile': 'FROM a\nCOPY main.js .\n',
      'k8s/a.yaml': [workload('api', 'api'), workload('web', 'web')].join('---\n'),
    });
    assert.deepEqual(
      (await discover(root)).services.map(({ context, dockerfile }) => [context, dockerfile]),
      [
        ['.', 'services/api/Dockerfile'],
        ['services/web', 'Dockerfile'],
      ],
    );
  });

  it('prefers the kustomization for development, and reads what it is built on', async () => {
    await tree({
      'services/web/Dockerfile': 'FROM scratch\n',
      'infra/base/kustomization.yaml': 'resources: [web.yaml]\n',
      'infra/base/web.yaml': `${workload('web', 'acme/web', ', namespace: shop')}---\n${service('web', 80)}`,
      'infra/overlays/dev/kustomization.yaml': 'resources: [../../base]\n',
      'infra/overlays/production/kustomization.yaml': 'resources: [../../base]\n',
    });
    const found = await discover(root);
    assert.equal(found.kustomize, 'infra/overlays/dev');
    assert.deepEqual(found.manifests, []);
    assert.deepEqual(
      found.services.map(({ name }) => name),
      ['web'],
    );
    assert.deepEqual(found.forward, [{ to: 'service/web', port: 80, local: 8080 }]);
  });

  it('takes the kustomization that no other is built on, when none is for development', async () => {
    await tree({
      'a/kustomization.yaml': 'resources: []\n',
      'app/kustomization.yaml': 'resources: [../a]\n',
      'app/production/kustomization.yaml': 'resources: [..]\n',
      'b/kustomization.yaml': 'resources: [../a]\n',
    });
    assert.equal((await discover(root)).kustomize, 'b');
  });

  it('makes one glob of folders by type, and names files where a folder holds others too', async () => {
    await tree({
      'infra/deployment/web.yaml': workload('web', 'web'),
      'infra/deployment/api.yaml': workload('api', 'api'),
      'infra/service/web.yml': service('web', 80),
      'infra/secret/a.yaml': 'apiVersion: v1\nkind: Secret\nmetadata: { name: a }\n',
      'deploy/job.yaml': workload('job', 'job'),
      'deploy/values.yaml': 'replicas: 1\n',
      'docker-compose.yaml': 'services: {}\n',
      'skaffold.yaml': 'apiVersion: skaffold/v4beta11\nkind: Config\nmetadata: { name: a }\n',
      'chart/Chart.yaml': 'name: x\n',
      'chart/templates/a.yaml': workload('chart', 'chart'),
      'broken.yaml': 'a: [\n',
    });
    assert.deepEqual((await discover(root)).manifests, [
      'deploy/job.yaml',
      'infra/{deployment,secret}/*.yaml',
      'infra/service/*.yml',
    ]);
  });

  it('leaves the manifests of other environments alone', async () => {
    await tree({ 'k8s/dev/a.yaml': workload('a', 'a'), 'k8s/production/a.yaml': workload('a', 'a') });
    assert.deepEqual((await discover(root)).manifests, ['k8s/dev/*.yaml']);
  });

  it('forwards only to what is built here, each on a local port of its own', async () => {
    await tree({
      'api/Dockerfile': 'FROM scratch\n',
      'web/Dockerfile': 'FROM scratch\n',
      'k8s/a.yaml': [
        workload('api', 'api'),
        workload('web', 'web'),
        workload('db', 'postgres:15'),
        service('api', 3000),
        service('web', 3000),
        service('db', 5432),
      ].join('---\n'),
    });
    assert.deepEqual((await discover(root)).forward, [
      { to: 'service/api', port: 3000, local: 3000 },
      { to: 'service/web', port: 3000, local: 3001 },
    ]);
  });

  it('takes the namespace that the manifests bring or name, else the name of the folder', async () => {
    await tree({ 'k8s/a.yaml': workload('a', 'a') });
    assert.equal(
      (await discover(root)).namespace,
      basename(root)
        .toLowerCase()
        .replaceAll(/[^a-z0-9]+/g, '-')
        .replaceAll(/^-+|-+$/g, ''),
    );
    await tree({ 'k8s/b.yaml': workload('b', 'b', ', namespace: shop') });
    assert.equal((await discover(root)).namespace, 'shop');
    await tree({ 'k8s/c.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: { name: storm }\n' });
    assert.equal((await discover(root)).namespace, 'storm');
  });

  describe('writes a config that loads', () => {
    it('for services, manifests and forwards', async () => {
      await tree({
        'services/web/Dockerfile': 'FROM scratch\n',
        'docker/api.Dockerfile': 'FROM scratch\n',
        'tools/Dockerfile': 'FROM scratch\n',
        'infra/deployment/web.yaml': workload('web', 'acme/web'),
        'infra/deployment/api.yaml': workload('api', 'acme/api'),
        'infra/service/web.yaml': service('web', 80),
      });
      const project = await roundTrip();
      assert.deepEqual(
        project.services.map(({ name, image, build, autoSync }) => [name, image, build.dockerfile, autoSync]),
        [
          ['api', 'acme/api', join(root, 'docker/api.Dockerfile'), true],
          ['web', 'acme/web', join(root, 'services/web/Dockerfile'), true],
        ],
      );
      assert.deepEqual(
        project.deploy.map((step) => step.kind === 'manifests' && step.globs),
        [['infra/{deployment,service}/*.yaml']],
      );
      assert.deepEqual(
        project.forward.map(({ target, port, local }) => [target.name, port, local]),
        [['web', 80, 8080]],
      );
    });

    it('for a kustomization', async () => {
      await tree({
        'web/Dockerfile': 'FROM scratch\n',
        'k8s/dev/kustomization.yaml': 'resources: [web.yaml]\n',
        'k8s/dev/web.yaml': workload('web', 'web'),
      });
      const [step] = (await roundTrip()).deploy;
      assert.equal(step?.kind === 'kustomize' && step.folder, join(root, 'k8s/dev'));
    });

    it('that restarts a program after a sync, where it would not notice one', async () => {
      const copies = (command: string) => `FROM node\nWORKDIR /app\nCOPY . .\nCMD ${command}\n`;
      await tree({
        'api/Dockerfile': copies('["node", "server.js"]'),
        'jobs/Dockerfile': copies('["npm", "run", "dev"]'),
        'jobs/package.json': '{ "scripts": { "dev": "nodemon a.js" } }',
        'shop/Dockerfile': copies('npm start'),
        'shop/package.json': '{ "scripts": { "start": "node a.js" } }',
        'built/Dockerfile': 'FROM a AS b\nCOPY . .\nRUN make\nFROM node\nCOPY --from=b /x /x\nCMD ["node", "/x"]\n',
        'web/Dockerfile': copies('["node", "server.js"]'),
        'k8s/a.yaml': [
          ...['api', 'jobs', 'shop', 'built'].map((name) => workload(name, name)),
          workload('web', 'web').replace('image: web', 'image: web, command: [node, --watch, server.js]'),
        ].join('---\n'),
      });
      const { services } = await roundTrip();
      assert.deepEqual(
        services.flatMap(({ name, afterSync }) => (afterSync ? [[name, afterSync]] : [])),
        [
          ['api', { kind: 'restart' }],
          ['shop', { kind: 'restart' }],
        ],
      );
    });

    it('with an environment for each overlay that is for one, and a word on what it leaves out', async () => {
      await tree({
        'k8s/base/kustomization.yaml': 'resources: []\n',
        'k8s/overlays/dev/kustomization.yaml': 'resources: [../../base]\n',
        'k8s/overlays/production/kustomization.yaml': 'resources: [../../base]\n',
        'k8s/monitoring/kustomization.yaml': 'resources: []\n',
        'charts/db/Chart.yaml': 'name: db\n',
      });
      await roundTrip();
      const project = await loadProject({ file: undefined, environment: 'production', cwd: root, env: {} });
      const [step] = project.deploy;
      assert.equal(step?.kind === 'kustomize' && step.folder, join(root, 'k8s/overlays/production'));
      const { text, found } = await initProject(root, { write: false, force: false });
      assert.match(text, /# - kustomize: k8s\/monitoring\n {2}# - helm: \{ chart: charts\/db \}/);
      assert.equal(
        found,
        '0 services, the kustomization k8s/overlays/dev, -e production, left out: k8s/monitoring charts/db',
      );
    });

    it('with the first of two overlays of one name, and a word on the other', async () => {
      await tree({
        'a/staging/kustomization.yaml': 'resources: []\n',
        'b/staging/kustomization.yaml': 'resources: []\n',
        'dev/kustomization.yaml': 'resources: []\n',
      });
      await roundTrip();
      const project = await loadProject({ file: undefined, environment: 'staging', cwd: root, env: {} });
      const [step] = project.deploy;
      assert.equal(step?.kind === 'kustomize' && step.folder, join(root, 'a/staging'));
      const { found } = await initProject(root, { write: false, force: false });
      assert.equal(found, '0 services, the kustomization dev, -e staging, left out: b/staging');
    });

    it('of a Dockerfile that no manifest seems to use, which is told', async () => {
      await tree({
        'api/Dockerfile': 'FROM node\n',
        'other/Dockerfile': 'FROM node\n',
        'k8s/a.yaml': workload('api', 'api'),
      });
      const { unmatched } = await initProject(root, { write: false, force: false });
      assert.deepEqual(unmatched, ['other/Dockerfile']);
    });

    it('of a Dockerfile with a mistake, of which nothing is known yet', async () => {
      await tree({ 'api/Dockerfile': 'FROM node\nCOPY --from\n', 'k8s/a.yaml': workload('api', 'api') });
      const { services } = await roundTrip();
      assert.deepEqual(
        services.map(({ name, afterSync }) => [name, afterSync]),
        [['api', undefined]],
      );
    });

    it('for a chart where there is nothing else', async () => {
      await tree({ 'mychart/Chart.yaml': 'name: x\n', 'mychart/charts/y/Chart.yaml': 'name: y\n' });
      const { deploy } = await roundTrip();
      assert.deepEqual(
        deploy.map((step) => step.kind === 'helm' && step.chart),
        [{ kind: 'local', path: join(root, 'mychart') }],
      );
      assert.equal((await initProject(root, { write: false, force: false })).found, '0 services, the chart mychart');
    });

    it('for an empty folder', async () => {
      const project = await roundTrip();
      assert.deepEqual([project.services, project.deploy, project.forward], [[], [], []]);
    });
  });

  describe('initProject', () => {
    it('writes the config and the schema that its first line names', async () => {
      await tree({ 'web/Dockerfile': 'FROM scratch\n', 'k8s/web.yaml': workload('web', 'web') });
      const { file, text, found } = await initProject(root, { write: true, force: false });
      assert.equal(file, join(root, 'stormctl.yaml'));
      assert.equal(await readFile(file, 'utf8'), text);
      assert.equal(found, '1 service, the manifests k8s/*.yaml');
      const [, schema = ''] = /^# yaml-language-server: \$schema=(\S+)/.exec(text) ?? [];
      assert.equal(JSON.parse(await readFile(join(root, schema), 'utf8')).type, 'object');
      assert.equal(await readFile(join(root, '.stormctl/.gitignore'), 'utf8'), '*\n');
    });

    it('replaces a config only when told to', async () => {
      await tree({ 'stormctl.yaml': 'name: mine\n' });
      await assert.rejects(
        initProject(root, { write: true, force: false }),
        (error: Failure) => error.kind === 'usage' && /--force/.test(error.next ?? ''),
      );
      assert.equal(await readFile(join(root, 'stormctl.yaml'), 'utf8'), 'name: mine\n');
      await initProject(root, { write: true, force: true });
      assert.notEqual(await readFile(join(root, 'stormctl.yaml'), 'utf8'), 'name: mine\n');
    });

    it('writes nothing when it only shows', async () => {
      await initProject(root, { write: false, force: false });
      await assert.rejects(readFile(join(root, 'stormctl.yaml')), { code: 'ENOENT' });
    });
  });
});
