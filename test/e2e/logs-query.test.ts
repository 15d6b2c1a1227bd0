import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Scope } from '../../src/lib/scope.ts';
import { Cli, runCli } from '../support/cli.ts';
import { kubectl, lab, testNamespace } from '../support/lab.ts';
import { eventually } from '../support/outside.ts';

const open = 't-logs-query';
const closed = 't-logs-query-closed';
const password = 'correct horse battery staple';

interface Container {
  readonly name: string;
  readonly script: string;
  readonly image?: string;
  /** A Secret whose `password` it gets as $PASSWORD. */
  readonly secret?: string;
}

function pod(name: string, containers: readonly Container[], init: readonly Container[] = []): object {
  const write = ({ name, script, image = 'alpine', secret }: Container) => {
    const valueFrom = { secretKeyRef: { name: secret, key: 'password' } };
    const env = secret === undefined ? [] : [{ name: 'PASSWORD', valueFrom }];
    return { name, image, imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', script], env };
  };
  const spec = {
    terminationGracePeriodSeconds: 0,
    initContainers: init.map(write),
    containers: containers.map(write),
  };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: name.replace(/-\d+$/, '') } }, spec };
}

/** A kubeconfig for an account that may see pods in both namespaces, and logs in `open` alone. */
async function limitedKubeconfig(folder: string): Promise<string> {
  const pods = ['--verb=get,list,watch', '--resource=pods'];
  const who = `--serviceaccount=${open}:reader`;
  const allow = async (namespace: string, resources: readonly string[]) => {
    await kubectl(['create', 'role', 'reader', '-n', namespace, ...resources]);
    await kubectl(['create', 'rolebinding', 'reader', '-n', namespace, '--role=reader', who]);
  };
  await Promise.all([
    allow(open, [...pods, '--resource=pods/log']),
    allow(closed, pods),
    kubectl(['create', 'serviceaccount', 'reader', '-n', open]),
  ]);
  const token = (await kubectl(['create', 'token', 'reader', '-n', open])).trim();
  const config = JSON.parse(await kubectl(['config', 'view', '--raw', '--flatten', '--minify', '-o', 'json'])) as {
    users: unknown;
    contexts: { context: { user: string } }[];
  };
  config.users = [{ name: 'reader', user: { token } }];
  for (const { context } of config.contexts) context.user = 'reader';
  const file = join(folder, 'reader.kubeconfig');
  await writeFile(file, JSON.stringify(config));
  return file;
}

describe('the logs of whatever one names', { skip: lab.skip, timeout: 300_000 }, () => {
  const resources = new Scope();
  let folder = '';
  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    runCli(['logs', ...args], { cwd: folder, env: { KUBECONFIG: lab.kubeconfig, ...env } });

  before(async () => {
    folder = resources.own(await mkdtemp(join(tmpdir(), 'stormctl-query-')), (path) => rm(path, { recursive: true }));
    for (const space of await Promise.all([open, closed].map(testNamespace))) resources.own(space);
    const stay = 'exec sleep 1000';
    const objects = [
      pod(
        'web-0',
        [
          { name: 'app', script: `echo 'GET /health'; echo 'GET /users'; ${stay}` },
          { name: 'app-proxy', script: `echo proxied; ${stay}` },
        ],
        [{ name: 'prepare', script: 'echo prepared' }],
      ),
      pod('crash-0', [{ name: 'main', script: 'echo "this is run $HOSTNAME"; exit 3' }]),
      pod('stuck-0', [{ name: 'main', script: 'true', image: 'localhost:1/none' }]),
    ];
    const apply = (namespace: string, items: readonly object[]) =>
      kubectl(['apply', '-n', namespace, '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    await Promise.all([
      apply(open, objects),
      apply(closed, [pod('hidden-0', [{ name: 'main', script: `echo hidden; ${stay}` }])]),
    ]);
    await kubectl(['wait', '-n', open, 'pod/web-0', '--for=condition=Ready', '--timeout=120s']);
    await kubectl(['wait', '-n', closed, 'pod/hidden-0', '--for=condition=Ready', '--timeout=120s']);
    // Without a probe a container is ready before it has said a word.
    for (const [namespace, name, last] of [
      [open, 'web-0', ['GET /users', 'proxied']],
      [closed, 'hidden-0', ['hidden']],
    ] as const)
      await eventually(
        `the lines of ${name}`,
        () => kubectl(['logs', '-n', namespace, name, '--all-containers']),
        (text) => last.every((line) => text.includes(line)),
      );
  });
  after(() => resources[Symbol.asyncDispose]());

  test('labels, names and containers choose whose, and expressions which lines, without a config', async () => {
    const linesOf = async (...args: string[]) => {
      const { code, lines, stderr } = await run([...args, '--no-follow']);
      assert.equal(code, 0, stderr);
      return lines.map((line) => line.replace(/^.*│ /, '')).sort();
    };
    const [labelled, named, matched, everywhere] = await Promise.all([
      linesOf('-l', 'app=web', '-n', open),
      linesOf('web-.*', '-n', open, '-c', 'app'),
      linesOf('pod/web-0', '-n', open, '--include', '(?i)get', '--exclude', 'health'),
      linesOf('-A', '^(web|hidden)-0$', '--exclude', 'GET', '--exclude-container', 'app-.*'),
    ]);
    assert.deepEqual(labelled, ['GET /health', 'GET /users', 'prepared', 'proxied']);
    assert.deepEqual(named, ['GET /health', 'GET /users']);
    assert.deepEqual(matched, ['GET /users']);
    assert.deepEqual(everywhere, ['hidden', 'prepared']);
  });

  test("labels are looked for in the project's namespace, and in the context's where the config is broken", async () => {
    const path = resources.own(await mkdtemp(join(tmpdir(), 'stormctl-query-')), (each) =>
      rm(each, { recursive: true }),
    );
    const config = `cluster: { namespace: ${open} }\n`;
    const labelled = async (text: string, ...args: string[]) => {
      await writeFile(join(path, 'stormctl.yaml'), text);
      return runCli(['logs', '-l', 'app=web', '-c', 'app', '--no-follow', ...args], {
        cwd: path,
        env: { KUBECONFIG: lab.kubeconfig },
      });
    };
    const project = await labelled(config);
    assert.deepEqual(project.lines, ['web-0 │ GET /health', 'web-0 │ GET /users']);
    const named = await labelled(config, '-n', closed);
    assert.deepEqual([named.lines, named.stderr.trim()], [[], `no pods match -l app=web in namespace ${closed}`]);
    const broken = await labelled(`${config}nosuchkey: 1\n`);
    assert.deepEqual([broken.code, broken.lines], [0, []]);
    assert.match(broken.stderr, /^! the config can't be read, and the namespace of the context is taken: .*nosuchkey/);
    assert.match(broken.stderr, /no pods match -l app=web in namespace default\n$/);
  });

  test('a follow tells the pods that come, and why one does not start', async () => {
    const options = { cwd: folder, env: { KUBECONFIG: lab.kubeconfig } };
    await using follow = new Cli(['logs', '-l', 'app in (late,stuck)', '-n', open, '-o', 'json'], options);
    const { text } = await follow.report('warning', ({ service }) => service === 'stuck-0');
    assert.match(text, /^image localhost:1\/none of container main of pod stuck-0 can't be pulled: /);
    const late = pod('late-0', [{ name: 'main', script: 'echo here; exec sleep 1000' }]);
    await kubectl(['apply', '-n', open, '-f', '-'], JSON.stringify(late));
    const { source, line } = await follow.report('log');
    assert.deepEqual([source, line], ['late-0', 'here']);
    follow.kill('SIGINT');
    assert.equal((await follow.ended).code, 130);
  });

  test('the run before of a crashed container is shown', async () => {
    const restarts = ['get', '-n', open, 'pod/crash-0', '-o', 'jsonpath={..restartCount}'];
    await eventually(
      'a second run',
      () => kubectl(restarts),
      (count) => Number(count) > 0,
    );
    const [crashed, none] = await Promise.all([
      run(['crash', '-n', open, '--previous']),
      run(['web', '-n', open, '--previous']),
    ]);
    assert.deepEqual([crashed.code, crashed.lines], [0, ['crash-0 │ this is run crash-0']]);
    assert.deepEqual([none.code, none.lines], [0, []]);
    assert.match(none.stderr, /^nothing crashed: /);
  });

  test('what matches nothing, and what is no expression, is told on standard error', async () => {
    const [none, wrong, bad, selector] = await Promise.all([
      run(['-l', 'app=none', '-n', open, '--no-follow']),
      run(['web', '-n', `${open}s`, '--no-follow']),
      run(['web', '-n', open, '--include', 'a[b']),
      run(['-l', 'a=b=c', '-n', open]),
    ]);
    assert.deepEqual([none.code, none.text], [0, '']);
    assert.equal(none.stderr.trim(), `no pods match -l app=none in namespace ${open}`);
    assert.deepEqual([wrong.code, wrong.text], [2, '']);
    assert.match(wrong.stderr, new RegExp(`^✗ no namespace ${open}s \\(nearest: ${open}\\)\n`));
    assert.equal(bad.code, 2);
    assert.match(bad.stderr, /^✗ --include is no regular expression: .* at character 2\n {2}at --include\n/);
    assert.equal(selector.code, 2);
    assert.match(selector.stderr, /^✗ --selector a=b=c is no label selector\n/);
  });

  test('logs that an account may not read are named, the others are told, and pods that it may not list end it', async () => {
    const KUBECONFIG = await limitedKubeconfig(folder);
    const asked = ['^(web|hidden)-0$', '-c', 'app|main', '-n', `${open},${closed}`, '--no-follow'];
    const [some, all] = await Promise.all([run(asked, { KUBECONFIG }), run(['-A'], { KUBECONFIG })]);
    assert.equal(some.code, 6);
    assert.deepEqual(
      some.lines.map((line) => line.replace(/ *│/, ':')),
      [`${open}/web-0: GET /health`, `${open}/web-0: GET /users`],
    );
    assert.match(some.stderr, new RegExp(`does not show the logs of namespace ${closed}\n`));
    assert.match(some.stderr, new RegExp(`needs \`get\` on pods/log in ${closed}\n`));
    assert.equal(all.code, 6);
    assert.match(all.stderr, /^✗ the cluster does not show the pods of all namespaces\n/);
  });

  test("values of the project's Secrets are masked by run, by logs, and in what run keeps", async () => {
    await using project = await projectThatTells();
    const cli = (...args: string[]) => new Cli(args, { cwd: project.folder, env: { KUBECONFIG: lab.kubeconfig } });
    await using early = cli('logs', '-o', 'json');
    await early.report('note');
    await using tailing = cli('run', '--tail', '-o', 'json');
    const { line } = await tailing.report('log');
    assert.equal(line, 'the password is ***, in base64 ***');
    // Begun before there was a Secret in the cluster.
    assert.equal((await early.report('log')).line, line);
    tailing.kill('SIGINT');
    await tailing.ended;
    assert.ok(!tailing.text.includes(password));
    const kept = await readFile(join(project.folder, '.stormctl/logs/teller-0.log'), 'utf8');
    assert.match(kept, /the password is \*\*\*/);
    await using read = cli('logs', '--no-follow');
    await using shown = cli('logs', '--no-follow', '--show-secrets');
    const elsewhere = { cwd: tmpdir(), env: { KUBECONFIG: lab.kubeconfig } };
    await using anybody = new Cli(['logs', '-n', open, 'teller', '--no-follow'], elsewhere);
    await Promise.all([read.ended, shown.ended, anybody.ended]);
    assert.deepEqual(anybody.lines, read.lines, anybody.stderr);
    assert.deepEqual(read.lines, ['teller-0 │ the password is ***, in base64 ***']);
    assert.match(shown.text, new RegExp(`the password is ${password}, in base64`));
  });

  async function projectThatTells() {
    const path = await mkdtemp(join(tmpdir(), 'stormctl-query-'));
    const metadata = { name: 'teller', namespace: open };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { password } };
    const script = `echo "the password is $PASSWORD, in base64 $(printf %s "$PASSWORD" | base64)"; exec sleep 1000`;
    const teller = pod('teller-0', [{ name: 'main', script, secret: 'teller' }]);
    await writeFile(join(path, 'all.yaml'), `${JSON.stringify(secret)}\n---\n${JSON.stringify(teller)}\n`);
    await writeFile(
      join(path, 'stormctl.yaml'),
      `name: t-logs-query\ncluster: { namespace: ${open} }\nregistry: ${lab.registry}\ndeploy: [{ manifests: all.yaml }]\n`,
    );
    return { folder: path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
  }
});
