import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { candidatePorts } from '../../../src/forward/candidate-ports.ts';
import { describeHolders } from '../../../src/forward/port-holder.ts';
import { Scope } from '../../../src/lib/scope.ts';

const isLinux = process.platform === 'linux';
const us = ` by node (pid ${process.pid})`;

async function listenOn(scope: Scope, host: string, port = 0): Promise<number> {
  const server = scope.own(createServer(), (each) => each.close());
  server.listen(port, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function freePort(ports: readonly number[]): Promise<number> {
  for (const port of ports) if ((await describeHolders(port, '127.0.0.1')) === '') return port;
  throw new Error('all are taken');
}

describe('describeHolders', { skip: !isLinux && 'only Linux tells' }, () => {
  it('names a process once, whatever it listens on', async () => {
    await using scope = new Scope();
    const port = await listenOn(scope, '127.0.0.1');
    await listenOn(scope, '::1', port);
    for (const address of ['127.0.0.1', '::1', 'localhost', '0.0.0.0', '::'])
      assert.equal(await describeHolders(port, address), us);
  });

  it('names who listens on all addresses, for any of them', async () => {
    await using scope = new Scope();
    const port = await listenOn(scope, '::');
    assert.equal(await describeHolders(port, '127.0.0.1'), us);
    assert.equal(await describeHolders(port, '192.0.2.1'), us);
  });

  it('names who has the port as the near end of a connection, where nobody listens', async () => {
    await using scope = new Scope();
    const far = await listenOn(scope, '127.0.0.1');
    // Of the ports that the kernel hands out it gives one to several connections, also of others, that lead elsewhere.
    const near = await freePort(candidatePorts(`near ${process.pid}`));
    const client = scope.own(connect({ port: far, host: '127.0.0.1', localPort: near }), (each) => each.destroy());
    await once(client, 'connect');
    assert.equal(await describeHolders(near, '127.0.0.1'), us);
  });

  it('names nobody where nobody is', async () => {
    const scope = new Scope();
    const port = await listenOn(scope, '127.0.0.1');
    await scope[Symbol.asyncDispose]();
    assert.equal(await describeHolders(port, '127.0.0.1'), '');
  });
});
