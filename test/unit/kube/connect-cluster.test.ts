import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, type Socket, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { Failure } from '../../../src/errors.ts';
import { connectCluster } from '../../../src/kube/connect-cluster.ts';
import { listContexts } from '../../../src/kube/contexts.ts';
import { FakeApiServer } from '../../support/fake-api-server.ts';
import { makeCertificate } from '../../support/self-signed.ts';

interface Sketch {
  readonly server?: string;
  readonly cluster?: object;
  readonly user?: object | undefined;
  readonly contexts?: readonly string[];
  readonly current?: string;
  readonly namespace?: string;
}

/** A kubeconfig in JSON, which is YAML. Every context leads to the one cluster and user. */
function kubeconfig(sketch: Sketch): string {
  const { server = 'http://127.0.0.1:1', contexts = ['one'], user = {}, namespace } = sketch;
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': sketch.current ?? contexts[0],
    clusters: [{ name: 'cluster', cluster: { server, ...sketch.cluster } }],
    users: [{ name: 'user', user }],
    contexts: contexts.map((name) => ({ name, context: { cluster: 'cluster', user: 'user', namespace } })),
  });
}

interface Folder extends AsyncDisposable {
  readonly root: string;
  write(name: string, text: string): Promise<string>;
}

async function folder(): Promise<Folder> {
  const root = await mkdtemp(join(tmpdir(), 'kube-'));
  return {
    root,
    write: async (name, text) => {
      const file = join(root, name);
      await mkdir(join(file, '..'), { recursive: true });
      await writeFile(file, text);
      return file;
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true }),
  };
}

const get = { method: 'GET', path: '/version' } as const;

test('the current context leads to its server and namespace', async () => {
  await using files = await folder();
  const file = await files.write('config', kubeconfig({ namespace: 'storm', contexts: ['a', 'b'], current: 'b' }));
  await using kube = await connectCluster({ kubeconfig: file, env: {} });
  assert.deepEqual(kube.target, { context: 'b', server: 'http://127.0.0.1:1', namespace: 'storm' });
  await using other = await connectCluster({ kubeconfig: file, context: 'a', env: {} });
  assert.equal(other.target.context, 'a');
});

test('the files of KUBECONFIG are merged: absent and empty ones count for nothing, the first of a name wins', async () => {
  await using files = await folder();
  const list = [
    join(files.root, 'absent'),
    await files.write('empty', ''),
    await files.write('first', kubeconfig({ server: 'http://first', contexts: ['shared', 'only-first'] })),
    await files.write('second', kubeconfig({ server: 'http://second', contexts: ['shared', 'only-second'] })),
  ];
  const env = { KUBECONFIG: list.join(delimiter) };
  assert.deepEqual(await listContexts(env), {
    contexts: ['shared', 'only-first', 'only-second'],
    current: 'shared',
  });
  await using kube = await connectCluster({ env });
  assert.equal(kube.target.server, 'http://first');
});

test('without KUBECONFIG it is ~/.kube/config', async () => {
  await using files = await folder();
  await files.write('.kube/config', kubeconfig({ contexts: ['home'] }));
  assert.deepEqual(await listContexts({ HOME: files.root }), { contexts: ['home'], current: 'home' });
});

test('without any kubeconfig there are no contexts, and connecting fails with what to do', async () => {
  await using files = await folder();
  const env = { HOME: files.root };
  assert.deepEqual(await listContexts(env), { contexts: [], current: undefined });
  await assert.rejects(connectCluster({ env }), {
    kind: 'unreachable',
    message: 'there is no kubeconfig, so no cluster to speak to',
    where: join(files.root, '.kube', 'config'),
  });
});

test('a context that is absent is a usage failure that names those there are, the nearest first', async () => {
  await using files = await folder();
  const file = await files.write('config', kubeconfig({ contexts: ['prod', 'k3d-storm', 'staging'] }));
  await assert.rejects(connectCluster({ kubeconfig: file, context: 'k3d-strom', env: {} }), {
    kind: 'usage',
    message: 'the kubeconfig has no context k3d-strom',
    detail: 'it has: k3d-storm, prod, staging',
    next: 'did you mean k3d-storm?',
  });
});

test('a kubeconfig that is no YAML is a failure that names the file', async () => {
  await using files = await folder();
  const file = await files.write('config', 'clusters: [');
  await assert.rejects(connectCluster({ kubeconfig: file, env: {} }), { kind: 'unreachable', where: file });
});

test('nothing of a broken kubeconfig is quoted: the lines around the fault may hold a token', async () => {
  await using files = await folder();
  const file = await files.write('config', 'users:\n- name: a\n  user:\n    token: hunter2\n   bad: [\n');
  await assert.rejects(connectCluster({ kubeconfig: file, env: {} }), (error: Failure) => {
    assert.doesNotMatch(`${error.message} ${error.detail} ${error.next}`, /hunter2/);
    assert.match(error.detail ?? '', /bad indentation .+\(line 5, column 4\)/);
    return true;
  });
});

test('a context whose cluster is missing says so', async () => {
  await using files = await folder();
  const file = await files.write('config', kubeconfig({}).replace('"name":"cluster"', '"name":"renamed"'));
  await assert.rejects(connectCluster({ kubeconfig: file, env: {} }), {
    kind: 'unreachable',
    message: 'the context one names the cluster cluster, which the kubeconfig does not have',
  });
});

test('a context whose user is missing says so, and one that names none asks as nobody', async () => {
  await using files = await folder();
  const text = kubeconfig({ server: 'https://127.0.0.1:1' });
  const file = await files.write('config', text.replaceAll('"user":"user"', '"user":"ghost"'));
  await assert.rejects(connectCluster({ kubeconfig: file, env: {} }), {
    kind: 'unreachable',
    message: 'the context one names the user ghost, which the kubeconfig does not have',
    detail: 'it has: user',
  });
  const nobody = await files.write('nobody', text.replaceAll('"user":"user"', '"user":""'));
  await using kube = await connectCluster({ kubeconfig: nobody, env: {} });
  assert.equal(kube.target.context, 'one');
});

test('a token, a name with its password, and somebody to impersonate go with every request', async () => {
  await using server = await FakeApiServer.listen();
  await using files = await folder();
  server.on('GET', '/version', (exchange) => exchange.json({}));
  for (const [user, header, value] of [
    [{ token: 'secret' }, 'authorization', 'Bearer secret'],
    [{ username: 'ann', password: 'pw' }, 'authorization', `Basic ${Buffer.from('ann:pw').toString('base64')}`],
    [{ token: 'secret', as: 'ben' }, 'impersonate-user', 'ben'],
  ] as const) {
    const file = await files.write('config', kubeconfig({ server: server.url, user }));
    await using kube = await connectCluster({ kubeconfig: file, env: {} });
    await kube.request(get);
    assert.equal(server.requests.at(-1)?.headers[header], value);
  }
});

test("a server that speaks TLS is trusted by the kubeconfig's authority, and by nothing else", async () => {
  const certificate = makeCertificate();
  await using server = await FakeApiServer.listen(certificate);
  await using files = await folder();
  server.on('GET', '/version', (exchange) => exchange.json({ tls: true }));
  const authority = Buffer.from(certificate.cert).toString('base64');
  // The library would drop the authority of a context without a user.
  for (const cluster of [{ 'certificate-authority-data': authority }, { 'insecure-skip-tls-verify': true }]) {
    const text = kubeconfig({ server: server.url, cluster }).replace('"user":"user"', '"user":""');
    await using kube = await connectCluster({ kubeconfig: await files.write('config', text), env: {} });
    assert.deepEqual(await kube.request(get), { tls: true });
  }
  const file = await files.write('config', kubeconfig({ server: server.url }));
  await using kube = await connectCluster({ kubeconfig: file, env: {} });
  await assert.rejects(kube.request(get), (error) => {
    assert.ok(error instanceof Failure);
    assert.equal(error.kind, 'unreachable');
    assert.match(error.message, /\(context one\) can't be trusted: its certificate is not signed by the authority/);
    return true;
  });
});

test("requests, upgrades and WebSockets go through the cluster's proxy", async () => {
  await using server = await FakeApiServer.listen();
  await using files = await folder();
  const tunnels: string[] = [];
  const proxy = createServer().on('connect', (request, client: Socket) => {
    tunnels.push(request.url ?? '');
    const upstream = connect(server.port, '127.0.0.1', () => client.write('HTTP/1.1 200 OK\r\n\r\n'));
    client.pipe(upstream).pipe(client);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const path = '/api/v1/namespaces/storm/pods/web/portforward';
  server.on('GET', '/version', (exchange) => exchange.json({ proxied: true }));
  server.onUpgrade(path, ['v4.channel.k8s.io'], (socket) => socket.close(1000));
  const cluster = { 'proxy-url': `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
  const file = await files.write('config', kubeconfig({ server: server.url, cluster }));
  {
    await using kube = await connectCluster({ kubeconfig: file, env: {} });
    assert.deepEqual(await kube.request(get), { proxied: true });
    const stream = await kube.connect({ namespace: 'storm', pod: 'web' }, 80, new AbortController().signal);
    stream.destroy();
  }
  // The request, and the three ways to a port: SPDY, SPDY in a WebSocket, and the WebSocket that the server takes.
  assert.deepEqual(tunnels, Array(4).fill(`127.0.0.1:${server.port}`));
  proxy.close();
});

test('a prefix in the path of the server stays', async () => {
  await using server = await FakeApiServer.listen();
  await using files = await folder();
  server.on('GET', '/k8s/clusters/c-1/version', (exchange) => exchange.json({ prefixed: true }));
  const file = await files.write('config', kubeconfig({ server: `${server.url}/k8s/clusters/c-1/` }));
  await using kube = await connectCluster({ kubeconfig: file, env: {} });
  assert.deepEqual(await kube.request(get), { prefixed: true });
});

/** A plugin that hands out `token-1`, then `token-2`, and writes down what it was told. */
const plugin = `#!/bin/sh
cd "$(dirname "$0")"
echo run >> runs
echo "$KUBERNETES_EXEC_INFO" > info
echo "$GREETING" > greeting
echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"token-'$(wc -l < runs | tr -d ' ')'"}}'
`;

test('an exec plugin runs once, is told what it needs, and runs again after a 401', async () => {
  await using server = await FakeApiServer.listen();
  await using files = await folder();
  await chmod(await files.write('bin/plugin', plugin), 0o755);
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'plugin', interactiveMode: 'Never' };
  const file = await files.write('config', kubeconfig({ server: server.url, user: { exec } }));
  let valid = 'token-1';
  server.on('GET', '/version', (exchange) => {
    if (exchange.received.headers.authorization === `Bearer ${valid}`) exchange.json({ valid });
    else exchange.status(401, 'Unauthorized', 'Unauthorized');
  });
  const env = { PATH: `${join(files.root, 'bin')}${delimiter}${process.env['PATH']}`, GREETING: 'hello' };
  await using kube = await connectCluster({ kubeconfig: file, env });
  await Promise.all([kube.request(get), kube.request(get), kube.request(get)]);
  assert.equal(await readFile(join(files.root, 'bin/runs'), 'utf8'), 'run\n');
  assert.equal(JSON.parse(await readFile(join(files.root, 'bin/info'), 'utf8')).kind, 'ExecCredential');
  assert.equal(await readFile(join(files.root, 'bin/greeting'), 'utf8'), 'hello\n');
  valid = 'token-2';
  assert.deepEqual(await Promise.all([kube.request(get), kube.request(get)]), [{ valid }, { valid }]);
  assert.equal(await readFile(join(files.root, 'bin/runs'), 'utf8'), 'run\nrun\n');
});

test('a 401 that new credentials do not change is a failure that says how to log in, after one more try', async () => {
  await using server = await FakeApiServer.listen();
  await using files = await folder();
  server.on('GET', '/version', (exchange) => exchange.status(401, 'Unauthorized', 'Unauthorized'));
  const file = await files.write('config', kubeconfig({ server: server.url, user: { token: 'old' } }));
  await using kube = await connectCluster({ kubeconfig: file, env: {} });
  await assert.rejects(kube.request(get), {
    kind: 'refused',
    message: 'your credentials for context one are not accepted',
    next: 'log in again: the kubeconfig needs a new token for context one',
  });
  assert.equal(server.requests.length, 2);
});

test('credentials that stay refused are asked for ever less often, and what is renewed is found', async () => {
  await using server = await FakeApiServer.listen();
  await using files = await folder();
  await chmod(await files.write('bin/plugin', plugin), 0o755);
  const file = await files.write(
    'config',
    kubeconfig({ server: server.url, user: { exec: { command: './bin/plugin' } } }),
  );
  let refuses = false;
  server.on('GET', '/version', (exchange) => {
    if (refuses) exchange.status(401, 'Unauthorized', 'Unauthorized');
    else exchange.json({});
  });
  await using kube = await connectCluster({ kubeconfig: file, env: {} });
  await kube.request(get);
  refuses = true;
  const requests = 100;
  for (let request = 0; request < requests; request++)
    await assert.rejects(kube.request(get), {
      message: 'your credentials for context one are no longer accepted',
      next: `log in again, with what ${join(files.root, 'bin/plugin')} asks for its tokens`,
    });
  const runs = (await readFile(join(files.root, 'bin/runs'), 'utf8')).split('\n').length - 1;
  assert.ok(runs >= 3 && runs < requests / 2, `${runs} runs`);
  refuses = false;
  assert.deepEqual(await kube.request(get), {});
});

test("a token's file, absolute or beside the kubeconfig, is read again when its token is refused", async () => {
  await using server = await FakeApiServer.listen();
  await using files = await folder();
  let valid = 'first';
  server.on('GET', '/version', (exchange) => {
    if (exchange.received.headers.authorization === `Bearer ${valid}`) exchange.json({ valid });
    else exchange.status(401, 'Unauthorized', 'Unauthorized');
  });
  const token = await files.write('token', 'first\n');
  for (const tokenFile of ['token', token]) {
    const user = { token: 'older', tokenFile };
    const file = await files.write('config', kubeconfig({ server: server.url, user }));
    await using kube = await connectCluster({ kubeconfig: file, env: {} });
    assert.deepEqual(await kube.request(get), { valid });
    valid = `after ${valid}`;
    await assert.rejects(kube.request(get), { next: `log in again: a new token is to be in ${token}` });
    await files.write('token', `${valid}\n`);
    assert.deepEqual(await kube.request(get), { valid });
  }
});

test('a 401 to a WebSocket is mended as well', async () => {
  await using server = await FakeApiServer.listen();
  await using files = await folder();
  const path = '/api/v1/namespaces/storm/pods/web/portforward';
  const file = await files.write('config', kubeconfig({ server: server.url, user: { token: 'old' } }));
  await using kube = await connectCluster({ kubeconfig: file, env: {} });
  server.on('GET', path, (exchange) => exchange.status(401, 'Unauthorized', 'Unauthorized'));
  let seen: string | undefined;
  server.onUpgrade(path, ['v4.channel.k8s.io'], (socket, { headers }) => {
    seen = headers.authorization;
    socket.close(1000);
  });
  const refused = kube.connect({ namespace: 'storm', pod: 'web' }, 80, new AbortController().signal);
  await assert.rejects(refused, { message: 'your credentials for context one are not accepted' });
  await files.write('config', kubeconfig({ server: server.url, user: { token: 'new' } }));
  server.on('GET', path, (exchange) => {
    server.off('GET', path);
    exchange.status(401, 'Unauthorized', 'Unauthorized');
  });
  const stream = await kube.connect({ namespace: 'storm', pod: 'web' }, 80, new AbortController().signal);
  stream.destroy();
  assert.equal(seen, 'Bearer new');
});

test('credentials that lead to another server are not taken for new ones', async () => {
  await using server = await FakeApiServer.listen();
  await using another = await FakeApiServer.listen();
  await using files = await folder();
  server.on('GET', '/version', (exchange) => exchange.status(401, 'Unauthorized', 'Unauthorized'));
  const file = await files.write('config', kubeconfig({ server: server.url, user: { token: 'old' } }));
  await using kube = await connectCluster({ kubeconfig: file, env: {} });
  await assert.rejects(kube.request(get), { kind: 'refused', message: /not accepted/ });
  await files.write('config', kubeconfig({ server: another.url, user: { token: 'new' } }));
  await assert.rejects(kube.request(get), { kind: 'guard', where: another.url, detail: new RegExp(server.url) });
  assert.deepEqual(another.requests, []);
});

test('an exec plugin that is missing or fails is told, with its own hint and words', async () => {
  await using files = await folder();
  const missing = { command: 'no-such-plugin', installHint: 'get it from example.com' };
  const failing = { command: './bin/failing', args: ['x'] };
  await chmod(await files.write('bin/failing', '#!/bin/sh\necho please log in >&2\nexit 1\n'), 0o755);
  for (const [exec, message, next, detail] of [
    [
      missing,
      "the credential plugin no-such-plugin of the kubeconfig's user user was not found",
      'get it from example.com',
      /ENOENT/,
    ],
    [
      failing,
      /^the credential plugin .+\/bin\/failing of the kubeconfig's user \S+ failed$/,
      'see whether kubectl can use it: kubectl --context one get --raw /readyz',
      /^please log in$/,
    ],
  ] as const) {
    const file = await files.write('config', kubeconfig({ user: { exec } }));
    await using kube = await connectCluster({ kubeconfig: file, env: {} });
    await assert.rejects(kube.request(get), { kind: 'refused', message, next, detail });
  }
});

test('what a plugin says of the secrets that it was given is hidden', async () => {
  await using files = await folder();
  await chmod(await files.write('bin/failing', '#!/bin/sh\necho "wrong: $* $API_TOKEN" >&2\nexit 1\n'), 0o755);
  const args = ['--issuer=https://login.example.com', '--client-secret=one-secret', '--password', 'two-secret'];
  const exec = { command: './bin/failing', args, env: [{ name: 'API_TOKEN', value: 'three-secret' }] };
  const file = await files.write('config', kubeconfig({ user: { exec } }));
  await using kube = await connectCluster({ kubeconfig: file, env: { PATH: process.env['PATH'] } });
  const detail = 'wrong: --issuer=https://login.example.com --client-secret=*** --password *** ***';
  await assert.rejects(kube.request(get), { kind: 'refused', detail });
});

test('neither the arguments of a plugin nor what it printed are quoted', async () => {
  await using files = await folder();
  await chmod(await files.write('bin/chatty', '#!/bin/sh\necho \'hunter2 {"token":"hunter2"}\'\n'), 0o755);
  await chmod(await files.write('bin/failing', '#!/bin/sh\nexit 1\n'), 0o755);
  for (const command of ['./bin/chatty', './bin/failing']) {
    const exec = { command, args: ['--client-secret=hunter2'] };
    const file = await files.write('config', kubeconfig({ user: { exec } }));
    await using kube = await connectCluster({ kubeconfig: file, env: {} });
    await assert.rejects(kube.request(get), (error: Failure) => {
      assert.doesNotMatch(`${error.message} ${error.detail} ${error.next}`, /hunter2/);
      return error.kind === 'refused';
    });
  }
});

test('a certificate that is not there is told', async () => {
  await using files = await folder();
  const file = await files.write('config', kubeconfig({ user: { 'client-certificate': 'absent.crt' } }));
  await using kube = await connectCluster({ kubeconfig: file, env: {} });
  await assert.rejects(kube.request(get), {
    kind: 'refused',
    message: "the credentials of the context one can't be used",
    detail: /absent\.crt/,
  });
});
