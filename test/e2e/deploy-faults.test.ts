import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Cli, runCli } from '../support/cli.ts';
import { openClusterDoor } from '../support/cluster-door.ts';
import { Door } from '../support/door.ts';
import { FakeApiServer } from '../support/fake-api-server.ts';
import { kubectl, lab } from '../support/lab.ts';
import { Pty } from '../support/pty.ts';
import { makeCertificate } from '../support/self-signed.ts';

const name = 't-faults';
const configMap = (own: string, data = '{}') =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${own} }\ndata: ${data}\n`;
const secret = 'apiVersion: v1\nkind: Secret\nmetadata: { name: secret }\n';

const skip = lab.skip || ((await Pty.isPossible()) ? false : 'python3 is not there');

describe('a cluster that refuses or goes away', { skip }, () => {
  let folder: string;
  const env = { KUBECONFIG: lab.kubeconfig };
  const write = (file: string, text: string) => writeFile(join(folder, file), text);
  const run = (args: readonly string[], environment: Record<string, string> = env) =>
    runCli(args, { cwd: folder, env: environment });
  const removeNamespace = () => kubectl(['delete', 'namespace', name, '--ignore-not-found', '--timeout=120s']);
  /** Writes a kubeconfig with the lab's cluster as `lab`, and another one, that is not there, as `other`. */
  const kubeconfig = async (file: string, user: object | undefined, current = 'lab') => {
    const text = await readFile(lab.kubeconfig, 'utf8');
    const find = (key: string) => new RegExp(`${key}: (\\S+)`).exec(text)?.[1];
    const ca = { 'certificate-authority-data': find('certificate-authority-data') };
    const certificate = {
      'client-certificate-data': find('client-certificate-data'),
      'client-key-data': find('client-key-data'),
    };
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': current,
      clusters: [
        { name: 'lab', cluster: { server: find('server'), ...ca } },
        { name: 'other', cluster: { server: 'https://127.0.0.1:1', ...ca } },
      ],
      users: [{ name: 'ann', user: user ?? certificate }],
      contexts: ['lab', 'other'].map((cluster) => ({ name: cluster, context: { cluster, user: 'ann' } })),
    };
    await write(file, JSON.stringify(config));
    return { KUBECONFIG: join(folder, file) };
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stormctl-faults-'));
    await write(
      'stormctl.yaml',
      `name: ${name}\ncluster: { namespace: ${name} }\ndeploy: [{ manifests: ['m-*.yaml'] }]\n`,
    );
    await write('m-map.yaml', configMap('map'));
    await removeNamespace();
  });
  after(async () => {
    await kubectl(['delete', 'namespace', name, `${name}-moved`, '--ignore-not-found', '--wait=false']);
    await kubectl(['delete', 'pv', name, '--ignore-not-found', '--wait=false']);
    await rm(folder, { recursive: true });
  });

  const refusedBy = async (message: RegExp, code: number, environment: Record<string, string> = env) => {
    const failed = await run(['deploy'], environment);
    assert.equal(failed.code, code, `${failed.text}\n${failed.stderr}`);
    assert.match(failed.stderr, message);
    assert.equal(failed.stderr.match(/^✗/gm)?.length, 1, `one message: ${failed.stderr}`);
  };
  const works = async (args: readonly string[] = ['deploy']) => {
    const done = await run(args);
    assert.equal(done.code, 0, `${done.text}\n${done.stderr}`);
    return done.text;
  };

  test('where it is to be confirmed nothing is written without a yes, and what would be is shown', async () => {
    const config = await readFile(join(folder, 'stormctl.yaml'), 'utf8');
    await write('confirm.yaml', `${config}confirm: true\n`);
    const args = ['deploy', '--file', 'confirm.yaml'];
    const unasked = await run(args);
    assert.equal(unasked.code, 7, unasked.text);
    assert.match(unasked.stderr, /there is no terminal to ask on/);
    for (const [answer, code] of [
      ['n', 7],
      ['y', 0],
    ] as const) {
      const command = [process.execPath, resolve('bin/stormctl.js'), ...args.slice(0, 2), join(folder, 'confirm.yaml')];
      await using pty = new Pty(command, { columns: 100, rows: 30, env });
      await pty.until(/namespace +t-faults[^]*configmap\/map[^]*2 new[^]*Go on\? \[y\/N\]/, 30_000);
      assert.equal(await kubectl(['get', 'namespace', name, '--ignore-not-found']), '');
      pty.type(`${answer}\n`);
      assert.equal((await pty.ended()).code, code, pty.output);
    }
    assert.match((await run(['delete', '--dry-run', '--namespaces'])).text, /would delete configmap\/map in t-faults/);
  });

  test('a kind, a quota, a right and credentials: one message each, and the next run finishes the work', async () => {
    await write('m-gadget.yaml', 'apiVersion: example.com/v1\nkind: Gadget\nmetadata: { name: gadget }\n');
    await refusedBy(/the cluster knows no kind Gadget in example\.com\/v1/, 2);
    await rm(join(folder, 'm-gadget.yaml'));

    await write('m-secret.yaml', secret);
    await kubectl(['apply', '-n', name, '-f', '-'], quotaAndUser);
    await kubectl(['wait', '-n', name, 'quota/few', '--for=jsonpath={.status.hard}', '--timeout=60s']);
    await refusedBy(/secret\/secret in t-faults exceeds the quota few: requested: count\/secrets=1/, 6);
    await kubectl(['delete', 'quota', 'few', '-n', name]);

    const token = (await kubectl(['create', 'token', 'ci', '-n', name])).trim();
    const confined = await kubeconfig('confined', { token });
    await refusedBy(
      /secret\/secret in t-faults is forbidden: the user \S+:ci may not patch secrets in t-faults/,
      6,
      confined,
    );
    await refusedBy(
      /your credentials for context lab are not accepted/,
      6,
      await kubeconfig('expired', { token: 'old' }),
    );
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: 'no-such-plugin',
      installHint: 'get it there',
    };
    const lacking = await kubeconfig('lacking', { exec });
    await refusedBy(/plugin no-such-plugin of the kubeconfig's user ann was not found[^]*get it there/, 6, lacking);

    assert.match(await works(), /applied 1 created: secret\/secret/);
    assert.equal(await kubectl(['get', 'leases', '-n', name, '-o', 'name']), '');
  });

  test('a namespace that is being deleted is waited for, what holds it is named, and it is made again', async () => {
    const finalizers = ['example.com/hold'];
    const held = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'held', namespace: name, finalizers } };
    await kubectl(['apply', '-f', '-'], JSON.stringify(held));
    await kubectl(['delete', 'namespace', name, '--wait=false']);
    await kubectl(['wait', `namespace/${name}`, '--for=condition=NamespaceFinalizersRemaining', '--timeout=60s']);
    await using deploying = new Cli(['deploy'], { cwd: folder, env });
    await deploying.until('the wait', ({ text }) =>
      /namespace\/t-faults it is being deleted.*example\.com\/hold/.test(text),
    );
    await kubectl(['patch', 'configmap', 'held', '-n', name, '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
    assert.equal((await deploying.ended).code, 0, deploying.stderr);
    assert.match(deploying.text, /created: .*configmap\/map/);
  });

  test('a server that goes away while a run waits, and while a delete does, is waited for, and the work goes on', async () => {
    await write('m-claim.yaml', claim);
    await using through = await openClusterDoor();
    const { door } = through;
    {
      await using waiting = new Cli(['run'], { cwd: folder, env: through.env });
      await waiting.until('the claim', ({ text }) => /created: persistentvolumeclaim\/claim/.test(text));
      await door.shut();
      await waiting.until('the loss', ({ text }) => text.includes('the cluster is gone'), 20_000);
      await kubectl(['apply', '-f', '-'], volume);
      await door.reopen();
      assert.equal((await waiting.ended).code, 0, `${waiting.text}\n${waiting.stderr}`);
      assert.match(waiting.text, /the cluster is back[^]*persistentvolumeclaim\/claim ready/);
      assert.equal(waiting.text.match(/applied /g)?.length, 1, 'nothing was applied twice');
    }
    const hold = ['patch', 'configmap', 'map', '-n', name, '--type=merge', '-p'];
    await kubectl([...hold, '{"metadata":{"finalizers":["example.com/hold"]}}']);
    await using deleting = new Cli(['delete', '--volumes', '--namespaces'], { cwd: folder, env: through.env });
    await deleting.until('a part', ({ text }) => text.includes('secret/secret deleted'));
    await door.shut();
    await kubectl([...hold, '{"metadata":{"finalizers":null}}']);
    await door.reopen();
    assert.equal((await deleting.ended).code, 0, `${deleting.text}\n${deleting.stderr}`);
    assert.match(deleting.text, /configmap\/map deleted[^]*namespace\/t-faults deleted/);
    assert.match(await works(['delete']), /nothing to delete/);
    await rm(join(folder, 'm-claim.yaml'));
  });

  test('a session stays with its cluster when another terminal switches the context', async () => {
    const environment = await kubeconfig('switched', undefined);
    await using dev = new Cli(['dev', '-o', 'json'], { cwd: folder, env: environment });
    await dev.report('session.ready');
    // As `kubectl config use-context` does.
    await kubeconfig('switched', undefined, 'other');
    await write('m-map.yaml', configMap('map', '{ a: b }'));
    await dev.report('deploy.applied', ({ changed }) => changed.length === 1);
    // Nor does it when its config is read again, and when it moves to another namespace.
    const config = await readFile(join(folder, 'stormctl.yaml'), 'utf8');
    await write('stormctl.yaml', `${config}timeout: 4m\n`);
    await dev.report('session.ready', undefined, { from: 1 });
    await write('stormctl.yaml', config.replace(`namespace: ${name}`, `namespace: ${name}-moved`));
    await dev.report('session.ready', undefined, { from: 2 });
    assert.deepEqual(
      dev.reportsOf('session.started').map(({ context, namespace }) => [context, namespace]),
      [name, name, `${name}-moved`].map((namespace) => ['lab', namespace]),
    );
    assert.equal((await run(['status', '-n', `${name}-moved`])).code, 0);
    dev.kill('SIGINT');
    assert.equal((await dev.ended).code, 130, dev.text);
    await write('stormctl.yaml', config);
    await works(['delete', '-n', `${name}-moved`, '--namespaces']);
    assert.match(await works(['delete']), /nothing to delete/);
  });

  test('a session ends, and takes nothing down, when another cluster stands at the address of its own', async () => {
    await using through = await openClusterDoor();
    await using dev = new Cli(['dev', '-o', 'json'], { cwd: folder, env: through.env });
    await dev.report('session.ready');
    await through.door.shut();
    await using another = await FakeApiServer.listen(makeCertificate());
    await using _ = await Door.open(through.at, { port: Number(new URL(another.url).port), host: '127.0.0.1' });
    assert.equal((await dev.ended).code, 7, dev.text);
    assert.match(dev.text, /now leads to another cluster than when this began/);
    assert.deepEqual(another.requests, []);
    assert.deepEqual(dev.reportsOf('deploy.deleted'), []);
    assert.match(await works(['delete', '--namespaces']), /took t-faults over[^]*deleted 3/);
  });
});

const claim = `apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: claim }
spec: { accessModes: [ReadWriteOnce], storageClassName: ${name}, resources: { requests: { storage: 1Mi } } }
`;
const volume = JSON.stringify({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name },
  spec: {
    capacity: { storage: '1Mi' },
    accessModes: ['ReadWriteOnce'],
    storageClassName: name,
    hostPath: { path: `/tmp/${name}` },
  },
});
const rules = [
  { apiGroups: [''], resources: ['configmaps'], verbs: ['*'] },
  { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list'] },
];
const rbac = 'rbac.authorization.k8s.io';
const roleRef = { apiGroup: rbac, kind: 'Role', name: 'ci' };
/** No more Secrets, and an account that may not write them anyway. */
const quotaAndUser = JSON.stringify({
  apiVersion: 'v1',
  kind: 'List',
  items: [
    { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'few' }, spec: { hard: { 'count/secrets': '0' } } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'ci' } },
    { apiVersion: `${rbac}/v1`, kind: 'Role', metadata: { name: 'ci' }, rules },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata: { name: 'ci' },
      roleRef,
      subjects: [{ kind: 'ServiceAccount', name: 'ci', namespace: name }],
    },
  ],
});
