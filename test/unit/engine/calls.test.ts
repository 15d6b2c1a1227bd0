import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { createServer as createTlsServer } from 'node:https';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, test } from 'node:test';
import { connectEngine } from '../../../src/engine/connect-engine.ts';
import { BuildError } from '../../../src/engine/engine.ts';
import { encodeString, readFields } from '../../../src/engine/protobuf.ts';
import { isAbort } from '../../../src/errors.ts';
import { run } from '../../../src/lib/process.ts';
import { serveEngine } from './serve-engine.ts';

const never = new AbortController().signal;
const digest = `sha256:${'a'.repeat(64)}`;

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : assert.fail('it does not listen');
}

/** @returns false when there is no openssl. */
async function makeCertificate(cwd: string): Promise<boolean> {
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const files = ['-keyout', 'key.pem', '-out', 'cert.pem'];
  const made = run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject, ...files], {
    cwd,
  });
  return await made.then(
    ({ exitCode }) => exitCode === 0,
    () => false,
  );
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
}

function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

function emptyContext(): PassThrough {
  return new PassThrough().end();
}

describe('calls to an engine', () => {
  test('one that is not there is named with who chose it, and no connection is made before the first call', async () => {
    await using engine = connectEngine({ DOCKER_HOST: 'unix:///nowhere/docker.sock' });
    assert.equal(engine.endpoint, 'unix:///nowhere/docker.sock');
    await assert.rejects(engine.ping(), {
      kind: 'unreachable',
      message: "can't reach the Docker engine at unix:///nowhere/docker.sock: there is no such socket",
      detail: 'chosen by DOCKER_HOST',
      next: /start Docker/,
    });
  });

  test('a build whose engine is away fails and closes its context', async () => {
    await using engine = connectEngine({ DOCKER_HOST: 'tcp://127.0.0.1:1' });
    const context = new PassThrough();
    await assert.rejects(engine.build({ context, dockerfile: 'Dockerfile', tags: [] }, never), {
      kind: 'unreachable',
      message: /nobody listens there/,
    });
    assert.ok(context.destroyed);
  });

  test('a refusal keeps the words of the engine', async () => {
    await using served = await serveEngine((_, response) => {
      response.writeHead(409, { 'content-type': 'application/json' }).end('{"message":"it is in use - by you"}');
    });
    await using engine = connectEngine(served.env);
    await assert.rejects(engine.removeVolume('data'), {
      kind: 'refused',
      message: 'the Docker engine refuses: it is in use - by you',
    });
  });

  test('a docker context is used although DOCKER_HOST of this process names another engine', async () => {
    const server = createServer((_, response) => response.end('{"Version":"1.2.3","ApiVersion":"1.41"}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    process.env['DOCKER_HOST'] = 'tcp://192.0.2.1:1';
    try {
      await using engine = connectEngine({ DOCKER_HOST: `tcp://127.0.0.1:${portOf(server)}` });
      assert.equal((await engine.ping()).version, '1.2.3');
    } finally {
      delete process.env['DOCKER_HOST'];
      server.close();
    }
  });

  test('an engine with TLS is asked with our certificate, and trusted only when it has one that we know', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'stormctl-test-'));
    t.after(() => rm(folder, { recursive: true }));
    if (!(await makeCertificate(folder))) {
      t.skip('openssl is not there to make a certificate');
      return;
    }
    const [key, cert] = [readFileSync(join(folder, 'key.pem')), readFileSync(join(folder, 'cert.pem'))];
    const server = createTlsServer({ key, cert, ca: cert, requestCert: true }, (_, response) =>
      response.end('{"Version":"1.2.3","ApiVersion":"1.41"}'),
    );
    t.after(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    const env = { DOCKER_HOST: `tcp://localhost:${portOf(server)}`, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: folder };
    await using stranger = connectEngine(env);
    await assert.rejects(stranger.ping(), { kind: 'unreachable', next: /DOCKER_CERT_PATH/ });
    await copyFile(join(folder, 'cert.pem'), join(folder, 'ca.pem'));
    await using known = connectEngine(env);
    assert.equal((await known.ping()).version, '1.2.3');
  });

  test('a push sends an empty login where there is none, and the stored one where there is', async () => {
    const logins: unknown[] = [];
    const auth = Buffer.from('me:secret').toString('base64');
    await using served = await serveEngine(
      (request, response) => {
        logins.push(JSON.parse(Buffer.from(String(request.headers['x-registry-auth']), 'base64url').toString()));
        response.end(`{"status":"Pushed"}\n{"aux":{"Tag":"1","Digest":"${digest}","Size":1}}\n`);
      },
      { auths: { 'registry.example': { auth } } },
    );
    await using engine = connectEngine(served.env);
    assert.deepEqual(await engine.push('localhost:5000/web:1', never), { digest });
    await engine.push('registry.example/web:1', never);
    assert.deepEqual(logins, [{}, { username: 'me', password: 'secret', serveraddress: 'registry.example' }]);
  });

  test('a push that is refused with status 200 fails, and says when the credential helper was broken', async () => {
    await using served = await serveEngine((_, response) => response.end('{"error":"denied: log in first"}\n'), {
      credsStore: 'missing',
    });
    await using engine = connectEngine(served.env);
    await assert.rejects(engine.push('registry.example/web:1', never), {
      kind: 'ship',
      message: "can't push registry.example/web:1: denied: log in first",
      detail: /no credentials: .*docker-credential-missing/,
    });
  });

  test('a push that ends without a digest fails', async () => {
    await using served = await serveEngine((_, response) => response.end('{"status":"Preparing"}\n'));
    await using engine = connectEngine(served.env);
    await assert.rejects(engine.push('localhost:5000/web:1', never), {
      kind: 'ship',
      message: /without naming a digest/,
    });
  });
});

describe('builds', () => {
  /** The engine's side of a session is an HTTP/2 client. */
  const withSession = async (onSession: (session: ClientHttp2Session) => void, frames: string, config: object = {}) => {
    const served = await serveEngine((request, response) => {
      request.resume().on('end', () => response.end(frames));
    }, config);
    served.server.on('upgrade', (_, socket) => {
      socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
      const session = connectHttp2('http://session', { createConnection: () => socket });
      session.on('error', () => {});
      onSession(session);
    });
    return served;
  };
  const image = `{"id":"moby.image.id","aux":{"ID":"${digest}"}}\n`;

  test('frames that end without an image are a failure', async () => {
    await using served = await withSession(() => {}, '{"status":"done"}\n');
    await using engine = connectEngine(served.env);
    const building = engine.build({ context: emptyContext(), dockerfile: 'Dockerfile', tags: ['web'] }, never);
    await assert.rejects(building, (error) => error instanceof BuildError && /without an image/.test(error.message));
  });

  test('an engine that dies in the middle is unreachable, not a failed build', async () => {
    await using served = await serveEngine((request, response) => {
      response.write(image);
      request.resume().on('end', () => request.socket.destroy());
    });
    served.server.on('upgrade', (_, socket) => {
      socket.on('error', () => {});
      socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
    });
    await using engine = connectEngine(served.env);
    const building = engine.build({ context: emptyContext(), dockerfile: 'Dockerfile', tags: ['web'] }, never);
    await assert.rejects(building, { kind: 'unreachable', message: /the connection was cut/ });
  });

  test('an engine that answers 400 is a failed build with its words', async () => {
    await using served = await withSession(() => {}, '');
    served.server.removeAllListeners('request').on('request', (request, response) => {
      request.resume();
      response.writeHead(400).end('{"message":"invalid reference format"}');
    });
    await using engine = connectEngine(served.env);
    const building = engine.build({ context: emptyContext(), dockerfile: 'Dockerfile', tags: ['WEB'] }, never);
    await assert.rejects(
      building,
      (error) => error instanceof BuildError && error.message === 'invalid reference format',
    );
  });

  test('the session gives credentials to the host that they are for, and to no other', async () => {
    const auth = Buffer.from(
      'me:a secret that is longer than one hundred and twenty-seven characters'.padEnd(200, '.'),
    );
    const answers: Promise<string[]>[] = [];
    const asked = deferred<void>();
    await using served = await withSession(
      (session) => {
        answers.push(ask(session, 'registry.example'), ask(session, 'evil.example'));
        void Promise.allSettled(answers).then(() => asked.resolve());
      },
      image,
      { auths: { 'registry.example': { auth: auth.toString('base64') } } },
    );
    const context = new PassThrough();
    await using engine = connectEngine(served.env);
    const building = engine.build({ context, dockerfile: 'Dockerfile', tags: ['web'] }, never);
    await asked.promise;
    context.end();
    assert.deepEqual(await building, { id: digest });
    const [known, unknown] = await Promise.all(answers);
    assert.deepEqual(known, auth.toString().split(':'));
    assert.deepEqual(unknown, []);
  });

  test('a context that is broken from the start is the error, although the session has only just opened', async () => {
    await using served = await serveEngine((request) => request.resume());
    // The engine's first HTTP/2 bytes come with its answer, and wait to be read.
    const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0';
    served.server.on('upgrade', (_, socket) => {
      socket.on('error', () => {});
      socket.write(`HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n${preface}`);
    });
    await using engine = connectEngine(served.env);
    const context = new PassThrough();
    const building = engine.build({ context, dockerfile: 'Dockerfile', tags: ['web'] }, never);
    context.destroy(new Error('the disk is gone'));
    await assert.rejects(building, /the disk is gone/);
  });

  test('an abort while the engine does not answer ends the wait for a session', async () => {
    const asked = deferred<void>();
    await using served = await serveEngine(() => {});
    served.server.on('upgrade', () => asked.resolve());
    await using engine = connectEngine(served.env);
    const controller = new AbortController();
    const context = new PassThrough();
    const building = engine.build({ context, dockerfile: 'Dockerfile', tags: ['web'] }, controller.signal);
    await asked.promise;
    controller.abort();
    await assert.rejects(building, (error) => isAbort(error));
  });

  test('an abort ends with AbortError and closes the session', async () => {
    const opened = deferred<ClientHttp2Session>();
    await using served = await withSession((session) => opened.resolve(session), image);
    await using engine = connectEngine(served.env);
    const controller = new AbortController();
    const context = new PassThrough();
    const building = engine.build({ context, dockerfile: 'Dockerfile', tags: ['web'] }, controller.signal);
    const session = await opened.promise;
    const closed = new Promise((resolve) => session.once('close', resolve));
    controller.abort('a newer save');
    await assert.rejects(building, (error) => isAbort(error));
    await closed;
    assert.ok(context.destroyed);
  });
});

/** One Credentials call. @returns the strings of the answer. */
function ask(session: ClientHttp2Session, host: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const message = encodeString(1, host);
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    const call = session.request({ ':method': 'POST', ':path': '/moby.filesync.v1.Auth/Credentials' });
    const chunks: Buffer[] = [];
    call.on('data', (chunk: Buffer) => chunks.push(chunk));
    call.on('error', reject);
    call.on('trailers', (trailers) => {
      if (trailers['grpc-status'] !== '0') reject(new Error(`status ${String(trailers['grpc-status'])}`));
    });
    call.on('end', () => {
      const answer = Buffer.concat(chunks).subarray(5);
      resolve([...readFields(answer)].map(({ bytes }) => String(bytes)));
    });
    call.end(Buffer.concat([prefix, message]));
  });
}
