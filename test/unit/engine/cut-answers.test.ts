import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, test } from 'node:test';
import { connectEngine } from '../../../src/engine/connect-engine.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { packOne } from '../../../src/engine/tar-one.ts';
import { loadImage } from '../../../src/k3d/load-image.ts';
import { Scope } from '../../../src/lib/scope.ts';
import { serveEngine } from './serve-engine.ts';

const never = new AbortController().signal;

function answer(body: string | Buffer, length = Buffer.byteLength(body)): Buffer {
  return Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`),
    Buffer.from(body),
  ]);
}

/** An engine that says this much of an answer to every request, and then cuts the connection. */
async function cuttingEngine(scope: Scope, bytes: Buffer): Promise<Engine> {
  const server = scope.own(createServer(), (each) => each.close());
  server.on('connection', (socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(bytes, () => socket.destroy()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return scope.own(connectEngine({ DOCKER_HOST: `tcp://127.0.0.1:${port}` }));
}

const calls: readonly [name: string, body: string | Buffer, call: (engine: Engine) => Promise<unknown>][] = [
  ['containers', '[]', (engine) => engine.containers({})],
  [
    'createContainer',
    '{"Id":"1"}',
    (engine) => engine.createContainer({ name: 'a', image: 'b', labels: {}, network: 'c' }),
  ],
  ['startContainer', '{}', (engine) => engine.startContainer('a')],
  ['ensureNetwork', '[{"Name":"a"}]', (engine) => engine.ensureNetwork('a', {})],
  ['readFile', packOne('a', Buffer.from('content')), (engine) => engine.readFile('a', '/a')],
  ['writeFile', '{}', (engine) => engine.writeFile('a', '/a', Buffer.from('content'))],
  ['exec', '{"Id":"1"}', (engine) => engine.exec('a', ['true'], { signal: never })],
];

describe('an answer that is cut', () => {
  for (const [name, body, call] of calls)
    test(`at any byte ends ${name}`, async () => {
      const whole = answer(body);
      for (let length = 0; length < whole.length; length += 1 + Math.floor(whole.length / 40)) {
        await using scope = new Scope();
        const engine = await cuttingEngine(scope, whole.subarray(0, length));
        await assert.rejects(
          call(engine),
          { kind: 'unreachable', message: /the connection was cut/ },
          `after ${length} bytes`,
        );
      }
    });
});

test('a refusal to run a command that is cut ends the call', async () => {
  await using served = await serveEngine((request, response) => {
    request.resume();
    if (request.url?.startsWith('/containers/')) response.end('{"Id":"1"}');
  });
  served.server.on('upgrade', (_, socket) => {
    socket.on('error', () => {});
    socket.end('HTTP/1.1 409 Conflict\r\nContent-Length: 100\r\n\r\n{"mess', () => socket.destroy());
  });
  await using engine = connectEngine(served.env);
  await assert.rejects(engine.exec('a', ['true'], { signal: never }), { kind: 'unreachable' });
});

test('a node that can not be asked to import ends the import on all, although nobody reads what it was to get', async () => {
  const tar = Buffer.alloc(1024 * 1024);
  await using served = await serveEngine((request, response) => {
    request.resume();
    if (request.url?.startsWith('/images/get')) {
      response.write(tar);
      return;
    }
    response.writeHead(500).end('{"message":"the node is not well"}');
  });
  await using engine = connectEngine(served.env);
  const nodes = [
    { id: '1', name: 'one' },
    { id: '2', name: 'two' },
  ];
  await assert.rejects(loadImage(engine, nodes, ['a:1'], { signal: never }), { message: /the node is not well/ });
});

test('a refusal ends a build at once, although its context is not sent yet', async () => {
  await using served = await serveEngine((_request, response) =>
    response.writeHead(400).end('{"message":"no such option"}'),
  );
  served.server.on('upgrade', (_, socket) => {
    socket.on('error', () => {});
    socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
  });
  await using engine = connectEngine(served.env);
  const context = new PassThrough();
  context.write('the beginning');
  await assert.rejects(engine.build({ context, dockerfile: 'Dockerfile', tags: [] }, never), {
    message: 'no such option',
  });
  assert.ok(context.destroyed);
});
