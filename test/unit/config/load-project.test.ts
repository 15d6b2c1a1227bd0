import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { loadProject, type LoadOptions } from '../../../src/config/load-project.ts';
import { Failure, Failures } from '../../../src/errors.ts';
import type { Project } from '../../../src/project.ts';
import { projectWith } from '../../support/project.ts';

describe('loadProject', () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'stormctl-config-'));
    for (const file of [
      'services/user/Dockerfile',
      'services/web/Dockerfile',
      'k8s/web.yaml',
      'base/kustomization.yaml',
    ])
      await write(file, '');
  });
  afterEach(() => rm(root, { recursive: true }));

  async function write(file: string, text: string): Promise<void> {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), text);
  }

  async function load(text: string, options: Partial<LoadOptions> = {}): Promise<Project> {
    await write('stormctl.yaml', text);
    return loadProject({ file: undefined, environment: undefined, cwd: root, env: {}, ...options });
  }

  async function failuresOf(text: string, options: Partial<LoadOptions> = {}): Promise<readonly Failure[]> {
    try {
      await load(text, options);
    } catch (error) {
      assert.ok(error instanceof Failure, String(error));
      const all = error instanceof Failures ? error.all : [error];
      for (const { kind } of all) assert.equal(kind, 'usage');
      return all;
    }
    return assert.fail('it was taken');
  }

  async function onlyFailureOf(text: string, options: Partial<LoadOptions> = {}): Promise<Failure> {
    const [first, ...others] = await failuresOf(text, options);
    assert.deepEqual(
      others.map(({ message }) => message),
      [],
    );
    return first ?? assert.fail();
  }

  describe('of a sound file', () => {
    it('fills in every default', async () => {
      const project = await load('name: tiny\nservices:\n  web:\n    build: services/web\n');
      const expected = projectWith({
        name: 'tiny',
        file: join(root, 'stormctl.yaml'),
        root,
        cluster: { context: undefined, namespace: 'default', create: undefined },
        services: [
          {
            name: 'web',
            image: 'web',
            build: {
              context: join(root, 'services/web'),
              dockerfile: join(root, 'services/web/Dockerfile'),
              target: undefined,
              args: {},
              network: undefined,
            },
            sync: [],
            autoSync: false,
            afterSync: undefined,
            dev: { target: undefined, command: undefined, args: undefined, env: {} },
            forward: [],
            trigger: 'auto',
            restartOnConfigChange: true,
            at: { file: 'stormctl.yaml', line: 3, column: 3 },
          },
        ],
        timeoutMs: 300_000,
      });
      assert.deepEqual(project, expected);
    });

    it('reads every key', async () => {
      await write('registries.yaml', '');
      for (const file of [
        'charts/web/Chart.yaml',
        'charts/Web_App/Chart.yaml',
        'charts/db-1.2.3.tgz',
        'values-dev.yaml',
      ])
        await write(file, '');
      const project = await load(`
apiVersion: stormctl.dev/v1
name: storm
cluster:
  context: k3d-storm
  namespace: storm
  create: { image: rancher/k3s:v1, agents: 2, ports: ['30080:30081', 30090], registry: 5000, registries: ./registries.yaml }
registry: localhost:5001/storm/
services:
  user-service:
    image: storm/user-service
    build: { context: services/user, dockerfile: ../web/Dockerfile, target: production, args: { A: b, N: 1 }, network: host }
    sync: [{ from: './src/**/*.ts', to: /app/src/ }, { from: '*.json', to: /app }, { from: 'a/b/c', to: /x, base: ./a/ }]
    dev: { target: development, command: [npx, nest], args: [], env: { LOG: debug, N: 1, B: true } }
    forward: [3000, '9229:9230']
    trigger: manual
    restartOnConfigChange: true
  web: { build: { context: services/web, args: [A=b=c, D=] } }
deploy:
  - kustomize: base
  - { kustomize: base, enableHelm: true, loadRestrictor: none }
  - { manifests: ['./k8s/{web,api}*.yaml', k8s/web.yaml], wait: true }
  - helm:
      chart: charts/web
      release: front
      namespace: edge
      values: [values-dev.yaml]
      set: { replicas: 1, image: { tag: a }, resources: null }
    wait: true
  - helm: { chart: charts/Web_App }
  - helm: { chart: ./charts/db-1.2.3.tgz }
  - helm: { chart: redis, repo: https://charts.example, version: 1.2.3 }
restartOnConfigChange: false
podTemplates:
  - { kind: Rollout, path: spec.template }
  - { kind: JobSet, group: jobset.x-k8s.io, path: spec.replicatedJobs.*.template.spec.template }
forward:
  - { to: service/api, port: 3000, local: 3001 }
  - { to: Deploy/web, port: http, local: auto, address: 0.0.0.0 }
  - { to: sts/db, port: 5432 }
logs: { exclude: [{ container: istio-proxy }, { service: web, match: 'GET /health$' }] }
onExit: keep
restoreNamespace: false
confirm: true
timeout: 1m30s
`);
      assert.deepEqual(project.cluster, {
        context: 'k3d-storm',
        namespace: 'storm',
        create: {
          image: 'rancher/k3s:v1',
          agents: 2,
          ports: [
            { host: 30080, node: 30081 },
            { host: 30090, node: 30090 },
          ],
          registryPort: 5000,
          registriesFile: join(root, 'registries.yaml'),
        },
      });
      assert.equal(project.registry, 'localhost:5001/storm');
      const [user, web] = project.services;
      assert.equal(user?.image, 'storm/user-service');
      assert.deepEqual(user?.build, {
        context: join(root, 'services/user'),
        dockerfile: join(root, 'services/web/Dockerfile'),
        target: 'production',
        args: { A: 'b', N: '1' },
        network: 'host',
      });
      assert.deepEqual(
        user?.sync.map(({ from, base, to }) => [from, base, to]),
        [
          ['src/**/*.ts', 'src', '/app/src'],
          ['*.json', '', '/app'],
          ['a/b/c', 'a', '/x'],
        ],
      );
      assert.deepEqual(user?.dev, {
        target: 'development',
        command: ['npx', 'nest'],
        args: [],
        env: { LOG: 'debug', N: '1', B: 'true' },
      });
      assert.deepEqual(
        user?.forward.map(({ local, port }) => [local, port]),
        [
          [undefined, 3000],
          [9229, 9230],
        ],
      );
      assert.deepEqual([user?.trigger, web?.trigger], ['manual', 'auto']);
      assert.deepEqual(web?.build.args, { A: 'b=c', D: '' });
      assert.deepEqual(
        project.deploy.map(({ at: _at, ...step }) => step),
        [
          { kind: 'kustomize', folder: join(root, 'base'), readsAnywhere: false, enableHelm: false, wait: false },
          { kind: 'kustomize', folder: join(root, 'base'), readsAnywhere: true, enableHelm: true, wait: false },
          { kind: 'manifests', globs: ['k8s/{web,api}*.yaml', 'k8s/web.yaml'], wait: true },
          {
            kind: 'helm',
            chart: { kind: 'local', path: join(root, 'charts/web') },
            release: 'front',
            namespace: 'edge',
            values: [join(root, 'values-dev.yaml')],
            set: { replicas: 1, image: { tag: 'a' }, resources: null },
            wait: true,
          },
          {
            kind: 'helm',
            chart: { kind: 'local', path: join(root, 'charts/Web_App') },
            release: 'web-app',
            namespace: undefined,
            values: [],
            set: {},
            wait: false,
          },
          {
            kind: 'helm',
            chart: { kind: 'local', path: join(root, 'charts/db-1.2.3.tgz') },
            release: 'db',
            namespace: undefined,
            values: [],
            set: {},
            wait: false,
          },
          {
            kind: 'helm',
            chart: { kind: 'remote', reference: 'redis', repo: 'https://charts.example', version: '1.2.3' },
            release: 'redis',
            namespace: undefined,
            values: [],
            set: {},
            wait: false,
          },
        ],
      );
      assert.equal(project.restartOnConfigChange, false);
      assert.deepEqual(
        project.services.map(({ restartOnConfigChange }) => restartOnConfigChange),
        [true, false],
      );
      assert.deepEqual(project.podTemplates, [
        { kind: 'Rollout', group: undefined, path: ['spec', 'template'] },
        {
          kind: 'JobSet',
          group: 'jobset.x-k8s.io',
          path: ['spec', 'replicatedJobs', '*', 'template', 'spec', 'template'],
        },
      ]);
      assert.deepEqual(
        project.forward.map(({ at: _at, ...rest }) => rest),
        [
          { target: { kind: 'Service', name: 'api' }, port: 3000, local: 3001, address: '127.0.0.1' },
          { target: { kind: 'Deployment', name: 'web' }, port: 'http', local: 'auto', address: '0.0.0.0' },
          { target: { kind: 'StatefulSet', name: 'db' }, port: 5432, local: undefined, address: '127.0.0.1' },
        ],
      );
      assert.deepEqual(project.logs.exclude, [
        { service: undefined, container: 'istio-proxy', match: undefined },
        { service: 'web', container: undefined, match: /GET \/health$/u },
      ]);
      assert.equal(project.onExit, 'keep');
      assert.equal(project.restoreNamespace, false);
      assert.equal(project.confirm, true);
      assert.equal(project.timeoutMs, 90_000);
    });

    it('names the project after its folder', async () => {
      await write('My App_2/stormctl.yaml', 'apiVersion: stormctl.dev/v1');
      const { name } = await loadProject({
        file: 'My App_2/stormctl.yaml',
        environment: undefined,
        cwd: root,
        env: {},
      });
      assert.equal(name, 'my-app-2');
    });

    it('is found in a folder above, and its paths are its own', async () => {
      const cwd = join(root, 'services/web');
      const project = await load('services:\n  web:\n    build: services/web\n', { cwd });
      assert.equal(project.root, root);
      assert.equal(project.services[0]?.build.context, cwd);
      assert.equal(project.services[0]?.at.file, '../../stormctl.yaml');
    });

    it('takes a key with nothing behind it as not written', async () => {
      const project = await load('name: a\nforward:\n  # - {}\nlogs:\n  exclude:\n');
      assert.deepEqual(project.forward, []);
    });

    it('reads ~ as the home folder', async () => {
      const { services } = await load('services:\n  web:\n    build: ~/web\n', {
        env: { HOME: join(root, 'services') },
      });
      assert.equal(services[0]?.build.context, join(root, 'services/web'));
    });

    it('takes the anchors and merges of YAML', async () => {
      const { services } = await load(
        'services:\n  web: &web\n    build: { context: services/web }\n  api:\n    <<: *web\n    image: api\n',
      );
      assert.equal(services[1]?.build.context, join(root, 'services/web'));
    });
  });

  describe('with variables', () => {
    it('takes them from the environment, then from .env, then from the default', async () => {
      await write('.env', 'A=dotenv\nB=dotenv\n');
      const text = 'name: "${A}-${B}-${C:-c}-${D:-d}"\n';
      const { name } = await load(text, { env: { A: 'env', D: '' } });
      assert.equal(name, 'env-dotenv-c-d');
    });

    it('makes a number of one where only a number fits, and leaves text alone', async () => {
      const { forward, services } = await load(
        'services:\n  web:\n    build: { context: services/web, args: { V: "${N}" } }\n    forward: ["${N}"]\nforward:\n  - to: svc/x\n    port: ${M}\n    local: ${M:-1}\n',
        { env: { N: '8080', M: '80' } },
      );
      assert.equal(services[0]?.build.args['V'], '8080');
      assert.equal(services[0]?.forward[0]?.port, 8080);
      assert.equal(forward[0]?.port, 80);
      assert.equal(forward[0]?.local, 80);
    });

    it('reads what is shown of the logs', async () => {
      const { logs } = await load('logs: { fold: false, fields: [reqId, req.url], level: warn }\n');
      assert.deepEqual(logs, {
        exclude: [],
        mask: true,
        history: true,
        fold: false,
        fields: ['reqId', 'req.url'],
        level: 'warn',
      });
    });

    it('writes $$ as a dollar, and leaves a lone one', async () => {
      const { logs } = await load("logs: { exclude: [{ match: 'a$' }, { match: '$${A}' }] }\n".replace('{A}', 'A'));
      assert.deepEqual(
        logs.exclude.map(({ match }) => match?.source),
        ['a$', '$A'],
      );
    });

    it('leaves dev alone', async () => {
      const { services } = await load(
        'services:\n  web:\n    build: services/web\n    dev: { command: [sh, -c, "echo ${NOPE} $$"], env: { A: "${NOPE}" } }\n',
      );
      assert.deepEqual(services[0]?.dev.command, ['sh', '-c', 'echo ${NOPE} $$']);
      assert.deepEqual(services[0]?.dev.env, { A: '${NOPE}' });
    });

    it('refuses a missing one at its place, and no number for want of it', async () => {
      const failure = await onlyFailureOf('forward:\n  - to: svc/x\n    port: 80\n    local: ${PORT}\n');
      assert.match(failure.message, /variable PORT is not set/);
      assert.equal(failure.where, 'stormctl.yaml:4:12');
      assert.match(failure.next ?? '', /\$\{PORT:-…\}/);
    });

    it('leaves one that is missing as it is where only a render or a build needs it, and neither is asked for', async () => {
      await mkdir(join(root, 'chart'), { recursive: true });
      await writeFile(join(root, 'chart/Chart.yaml'), 'name: x\n');
      await writeFile(
        join(root, 'stormctl.yaml'),
        "services:\n  web:\n    build: { context: services/web, args: { A: '${NOPE}' } }\n" +
          "deploy: [{ helm: { chart: chart, set: { password: '${NOPE}', name: '${YES}' } } }]\n",
      );
      const options = { file: undefined, environment: undefined, cwd: root, env: { YES: 'yes' } };
      await assert.rejects(loadProject(options), /NOPE is not set/);
      const { deploy } = await loadProject({ ...options, renders: false });
      const [step] = deploy;
      assert.deepEqual(step?.kind === 'helm' && step.set, { password: '${NOPE}', name: 'yes' });
      await writeFile(join(root, 'stormctl.yaml'), 'cluster: { context: "${NOPE}" }\n');
      await assert.rejects(loadProject({ ...options, renders: false }), /NOPE is not set/);
    });

    it('refuses what is no variable', async () => {
      assert.match((await onlyFailureOf('registry: "${A-b}"\n')).message, /\$\{A-b\} is not a variable/);
    });

    it('asks for none of an environment that is not used', async () => {
      const text = 'name: a\nenvironments:\n  staging: { forward: [{ to: svc/x, port: 80, local: "${NOPE}" }] }\n';
      assert.equal((await load(text)).name, 'a');
      assert.match((await onlyFailureOf(text, { environment: 'staging' })).message, /NOPE/);
    });
  });

  describe('with environments', () => {
    const text = `
cluster: { context: k3d-a, namespace: a }
services:
  web: { build: services/web, forward: [3000] }
forward: [{ to: svc/x, port: 1 }, { to: svc/y, port: 2 }]
environments:
  staging:
    cluster: { context: staging }
    services: { web: { build: { target: prod }, forward: [4000] } }
    forward: [{ to: svc/z, port: 3 }]
  broken:
    services: { wbe: { image: x } }
`;

    it('merges maps and replaces lists', async () => {
      const project = await load(text, { environment: 'staging' });
      assert.equal(project.environment, 'staging');
      assert.deepEqual(project.cluster, { context: 'staging', namespace: 'a', create: undefined });
      assert.equal(project.services[0]?.build.context, join(root, 'services/web'));
      assert.equal(project.services[0]?.build.target, 'prod');
      assert.deepEqual(project.services[0]?.forward, [
        { local: undefined, port: 4000, at: { file: 'stormctl.yaml', line: 9, column: 59 } },
      ]);
      assert.deepEqual(
        project.forward.map(({ target }) => target.name),
        ['z'],
      );
      assert.equal(project.services[0]?.at.line, 4);
    });

    it('leaves the base alone without one', async () => {
      assert.equal((await load(text)).cluster.context, 'k3d-a');
    });

    it('lists those that there are when one is unknown', async () => {
      const failure = await onlyFailureOf(text, { environment: 'stagin' });
      assert.equal(failure.message, 'there is no environment stagin');
      assert.match(failure.next ?? '', /did you mean staging\?.*staging, broken/);
    });

    it('refuses a service that only an environment names, where it stands', async () => {
      const failure = await onlyFailureOf(text, { environment: 'broken' });
      assert.equal(failure.where, 'stormctl.yaml:12:22');
      assert.equal(failure.next, 'did you mean web?');
    });

    it('checks the keys of those that are not used', async () => {
      const failure = await onlyFailureOf('environments:\n  a: { registri: x }\n');
      assert.equal(failure.next, 'did you mean registry?');
    });
  });

  for (const text of ['', '# nothing yet\n'])
    it(`takes ${JSON.stringify(text)} for no project: an editor may be about to write one`, async () => {
      await write('stormctl.yaml', text);
      await assert.rejects(
        loadProject({ file: undefined, environment: undefined, cwd: root, env: {} }),
        (error: Failure) => error.kind === 'usage' && error.message === 'the config is empty',
      );
    });

  it('says how to write a config when there is none', async () => {
    await assert.rejects(
      loadProject({ file: undefined, environment: undefined, cwd: root, env: {} }),
      (error: Failure) => error.kind === 'usage' && /stormctl init/.test(error.next ?? ''),
    );
    await assert.rejects(
      loadProject({ file: 'other.yaml', environment: undefined, cwd: root, env: {} }),
      (error: Failure) => error.message === 'there is no file other.yaml' && error.kind === 'usage',
    );
  });

  it('shows every mistake in one go, in the order of the lines, the files that it names included', async () => {
    const failures = await failuresOf(`nam: x
on-exit: keep
services:
  web:
    build: { context: services/wbe, dockerfil: x }
    forward: 80a
  user: { build: services/user, sync: [{ from: a, to: b }] }
deploy: [{ kustomize: bse }]
onExit: 5
`);
    assert.deepEqual(
      failures.map(({ message, where, next }) => [where, message, next]),
      [
        ['stormctl.yaml:1:1', 'unknown key nam', 'did you mean name?'],
        ['stormctl.yaml:2:1', 'unknown key on-exit', 'did you mean onExit?'],
        [
          'stormctl.yaml:5:23',
          'services.web.build.context: there is no folder services/wbe',
          'did you mean services/web?',
        ],
        ['stormctl.yaml:5:37', 'unknown key dockerfil in services.web.build', 'did you mean dockerfile?'],
        ['stormctl.yaml:6:14', 'services.web.forward: expected a list, found the text "80a"', undefined],
        [
          'stormctl.yaml:7:55',
          'services.user.sync[0].to: expected an absolute folder in the container, like /app/src, found the text "b"',
          undefined,
        ],
        ['stormctl.yaml:8:23', 'deploy[0].kustomize: there is no folder bse', 'did you mean base?'],
        ['stormctl.yaml:9:9', 'onExit: expected delete or keep, found the number 5', undefined],
      ],
    );
    assert.equal(failures[1]?.detail, 'on-exit: keep\n^');
  });

  it('reads forward: auto, alone and among rules, and every kind that has pods', async () => {
    const alone = await load('name: a\nforward: auto\n');
    assert.deepEqual([alone.forward, alone.autoForward?.offset], [[], 0]);
    const rules = ['svc/a', 'ds/a', 'rs/a', 'job/a', 'Deployments/a'].map(
      (to) => `{ to: ${to}, port: 1, local: auto }`,
    );
    const mixed = await load(
      `name: a\nforward: [auto, ${rules.join(', ')}, { to: svc/b, namespace: other, port: 2 }]\n`,
    );
    assert.deepEqual(
      mixed.forward.map(({ target }) => target),
      [
        { kind: 'Service', name: 'a' },
        { kind: 'DaemonSet', name: 'a' },
        { kind: 'ReplicaSet', name: 'a' },
        { kind: 'Job', name: 'a' },
        { kind: 'Deployment', name: 'a' },
        { kind: 'Service', name: 'b', namespace: 'other' },
      ],
    );
    assert.deepEqual(mixed.autoForward?.at, { file: 'stormctl.yaml', line: 2, column: 11 });
  });

  it('reads sync: auto, alone and among rules, which keep their places', async () => {
    const { services } = await load(`services:
  web: { build: services/web, sync: auto }
  user: { build: services/user, sync: [auto, { from: src/**, to: /app }] }
`);
    assert.deepEqual(
      services.map(({ sync, autoSync }) => [autoSync, sync.map(({ from, at }) => [from, at.line, at.column])]),
      [
        [true, []],
        [true, [['src/**', 3, 46]]],
      ],
    );
  });

  it('reads afterSync, whose commands see the environment themselves', async () => {
    const { services } = await load(`services:
  web: { build: services/web, sync: auto, afterSync: { exec: [sh, -c, 'echo \${NOPE}'] } }
  user: { build: services/user, sync: auto, afterSync: { signal: sighup } }
  api: { image: api, build: services/user, sync: auto, afterSync: { restart: true } }
`);
    assert.deepEqual(
      services.map(({ afterSync }) => afterSync),
      [{ kind: 'exec', command: ['sh', '-c', 'echo ${NOPE}'] }, { kind: 'signal', signal: 'HUP' }, { kind: 'restart' }],
    );
  });

  /** Each: the text after `services: {web: {build: services/web}}`, where, the message, the next step. */
  const mistakes: readonly (readonly [what: string, text: string, message: RegExp, next?: RegExp])[] = [
    [
      'a text for a number',
      'cluster: { create: { agents: "80a" } }',
      /agents: expected a number, found the text "80a"/,
    ],
    ['a map for a list', 'forward: { to: x }', /forward: expected auto or a list, found a map/],
    ['a missing key', 'forward: [{ port: 80 }]', /^forward\[0\]\.to is missing$/],
    ['a missing port', 'forward: [{ to: svc/x }]', /^forward\[0\]\.port is missing$/],
    ['a port out of range', 'forward: [{ to: svc/x, port: 70000 }]', /expected at most 65535, found the number 70000/],
    ['a node port out of range', "cluster: { create: { ports: ['80:70000'] } }", /from 1 to 65535/],
    ['a kind that can not be reached', 'forward: [{ to: servce/x, port: 1 }]', /servce/, /service\/x/],
    ['no kind', 'forward: [{ to: x, port: 1 }]', /expected kind\/name/],
    ['a misspelt step', 'deploy: [{ kustomise: base }]', /unknown key kustomise/, /mean kustomize\?/],
    ['an empty step', 'deploy: [{}]', /one of kustomize, manifests, helm is missing/],
    ['a step of both kinds', 'deploy: [{ kustomize: base, manifests: [k8s/*] }]', /manifests can't stand beside/],
    ['a folder without kustomization', 'deploy: [{ kustomize: k8s }]', /k8s holds no kustomization.yaml/, /manifests:/],
    ['a glob that matches nothing', 'deploy: [{ manifests: [k8s/*.yml] }]', /no file matches k8s\/\*\.yml/],
    [
      'a folder among braces that is not there',
      "deploy: [{ manifests: ['{k8s,k8z}/*.yaml'] }]",
      /^deploy\[0\]\.manifests\[0\]: there is no folder k8z$/,
      /did you mean k8s\?/,
    ],
    [
      'a manifest among braces that is not there',
      "deploy: [{ manifests: 'k8s/{web,wep}.yaml' }]",
      /there is no file k8s\/wep\.yaml$/,
      /did you mean k8s\/web\.yaml\?/,
    ],
    ['a manifest that is not there', 'deploy: [{ manifests: k8s/wep.yaml }]', /no file k8s\/wep.yaml/, /k8s\/web.yaml/],
    ['a folder of manifests', 'deploy: [{ manifests: [k8s] }]', /k8s is a folder/, /k8s\/\*\.yaml/],
    [
      'a chart that is not there',
      'deploy: [{ helm: { chart: bose } }]',
      /there is no chart bose/,
      /did you mean base\?/,
    ],
    ['a folder that is no chart', 'deploy: [{ helm: { chart: base } }]', /base is no chart: it holds no Chart.yaml/],
    ['a file that is no chart', 'deploy: [{ helm: { chart: k8s/web.yaml } }]', /k8s\/web.yaml is no chart/, /\.tgz/],
    ['a chart without a name', 'deploy: [{ helm: { release: x } }]', /helm\.chart is missing/],
    [
      'values that are not there',
      'deploy: [{ helm: { chart: oci://x/y, values: [k8s/wep.yaml] } }]',
      /helm\.values\[0\]: there is no file k8s\/wep.yaml/,
      /k8s\/web.yaml/,
    ],
    [
      'values named with dots',
      'deploy: [{ helm: { chart: oci://x/y, set: { image.tag: hunter22 } } }]',
      /^(?!.*hunter22).*a dot makes no level/,
      /^write it as \{ image: \{ tag: … \} \}$/,
    ],
    ['a version of a local chart', 'deploy: [{ helm: { chart: base, version: 1 } }]', /version: expected a text/],
    ['an unknown load restrictor', 'deploy: [{ kustomize: base, loadRestrictor: no }]', /rootOnly or none/],
    ['a pod template nowhere', 'podTemplates: [{ kind: Rollout, path: spec..x }]', /path: expected keys with dots/],
    ['a pod template of no kind', 'podTemplates: [{ kind: rollouts, path: spec }]', /kind: expected a kind, like Roll/],
    ['a registries file that is not there', 'cluster: { create: { registries: r.yaml } }', /no file r.yaml/],
    ['a context that k3d would not make', 'cluster: { context: prod, create: {} }', /k3d-NAME, not prod/],
    ['a registry with a scheme', 'registry: http://localhost:5000', /without http/, /write localhost:5000/],
    ['an unknown word', 'onExit: keeep', /expected delete or keep/, /mean keep\?/],
    ['a strange duration', 'timeout: 5 minutes', /5 minutes is no duration/],
    ['an unknown level', 'logs: { level: warning }', /expected .*warn/],
    ['a broken expression', "logs: { exclude: [{ match: '(' }] }", /Unterminated group/],
    ['an exclusion of everything', 'logs: { exclude: [{}] }', /every line/],
    ['another version', 'apiVersion: stormctl.dev/v2', /expected stormctl.dev\/v1/],
    ['a name that is no label', 'name: My_App', /lower-case letters/],
    ['a namespace that is none', 'cluster: { namespace: A_b }', /a namespace is lower-case/],
    [
      'two equal local ports',
      'forward: [{ to: svc/a, port: 80 }, { to: svc/b, port: 1, local: 80 }]',
      /80 is taken by stormctl.yaml:2:11/,
    ],
    [
      'a node port that is forwarded',
      'cluster: { create: { ports: [30080] } }\nforward: [{ to: svc/a, port: 30080 }]',
      /30080 is taken by/,
    ],
  ];
  for (const [what, text, message, next] of mistakes) {
    it(`refuses ${what}`, async () => {
      const failure = await onlyFailureOf(`services: {web: {build: services/web}}\n${text}\n`);
      assert.match(failure.message, message);
      assert.match(failure.where ?? '', /^stormctl\.yaml:[23]:\d+$/);
      if (next) assert.match(failure.next ?? '', next);
    });
  }

  const serviceMistakes: readonly (readonly [what: string, service: string, message: RegExp, next?: RegExp])[] = [
    ['no build', '{}', /services.api: it has no build/],
    ['a missing Dockerfile', '{ build: k8s }', /no file k8s\/Dockerfile/],
    [
      'a misspelt Dockerfile',
      '{ build: { context: services/web, dockerfile: dockerfil } }',
      /no file/,
      /web\/Dockerfile/,
    ],
    ['a build that is no map', '{ build: 5 }', /build: expected a text or a map, found the number 5/],
    ['an image with a tag', '{ image: a/b:1, build: services/web }', /without a tag/, /write a\/b$/],
    ['an image of another service', '{ image: web, build: services/web }', /web builds the image web already/],
    ['a build argument without a value', '{ build: { context: services/web, args: [A] } }', /NAME=value/],
    ['a rule that leaves the context', '{ build: services/web, sync: [{ from: ../a, to: /a }] }', /no place here/],
    ['a rule with a broken glob', "{ build: services/web, sync: [{ from: 'a/{b', to: /a }] }", /is no glob/],
    [
      'a base that does not hold the files',
      "{ build: services/web, sync: [{ from: 'src/*', to: /a, base: lib }] }",
      /does not lie in lib/,
    ],
    ['a pair of ports that is none', '{ build: services/web, forward: [abc] }', /expected \[local:\]port/],
    ['a key of a later version', '{ build: services/web, hooks: {} }', /unknown key hooks/],
    [
      'two things to do after a sync',
      '{ build: services/web, sync: auto, afterSync: { restart: true, exec: [a] } }',
      /afterSync: exec and restart can't stand side by side/,
      /one of exec, signal or restart/,
    ],
    ['nothing to do after a sync', '{ build: services/web, sync: auto, afterSync: {} }', /names nothing to do/],
    ['something to do after no sync', '{ build: services/web, afterSync: { restart: true } }', /nothing .* is synced/],
    [
      'a restart that is none',
      '{ build: services/web, sync: auto, afterSync: { restart: false } }',
      /restart: expected true, found false/,
    ],
    [
      'a command that is no list',
      '{ build: services/web, sync: auto, afterSync: { exec: npm run gen } }',
      /exec: expected a list, found the text/,
    ],
    [
      'a misspelt signal',
      '{ build: services/web, sync: auto, afterSync: { signal: HUB } }',
      /signal: HUB is no signal/,
      /mean HUP\?/,
    ],
    [
      'a signal that can not be sent',
      '{ build: services/web, sync: auto, afterSync: { signal: SIGKILL } }',
      /never gets KILL/,
      /restart: true/,
    ],
    [
      'a misspelt key after a sync',
      '{ build: services/web, sync: auto, afterSync: { restrat: true } }',
      /unknown key restrat in services.api.afterSync/,
      /mean restart\?/,
    ],
    ['a misspelt sync: auto', '{ build: services/web, sync: atuo }', /sync: expected .*auto.*found the text "atuo"/],
    [
      'a misspelt auto among rules',
      '{ build: services/web, sync: [{ from: src/*, to: /a }, aut] }',
      /sync\[1\]: expected .*auto.*found the text "aut"/,
    ],
    ['a rule without a destination', '{ build: services/web, sync: [{ from: a }, auto] }', /sync\[0\]\.to is missing/],
    [
      'a local port of another service',
      '{ build: services/web, forward: [3000] }',
      /3000 is taken by stormctl.yaml:2:/,
    ],
  ];
  for (const [what, service, message, next] of serviceMistakes) {
    it(`refuses a service with ${what}`, async () => {
      const failure = await onlyFailureOf(
        `services:\n  web: { build: services/web, forward: [3000] }\n  api: ${service}\n`,
      );
      assert.match(failure.message, message);
      assert.match(failure.where ?? '', /^stormctl\.yaml:3:\d+$/);
      if (next) assert.match(failure.next ?? '', next);
    });
  }

  it('takes one local port on two addresses', async () => {
    const project = await load(
      'forward: [{ to: svc/a, port: 80, address: 127.0.0.2 }, { to: svc/b, port: 80, address: 127.0.0.3 }]\n',
    );
    assert.equal(project.forward.length, 2);
  });

  it('refuses a file that is no map, and one with broken YAML', async () => {
    assert.match((await onlyFailureOf('- a\n')).message, /the file: expected a map, found a list/);
    assert.match((await onlyFailureOf('a: [\n')).message, /broken YAML/);
  });
});
