import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, describe, test } from 'node:test';
import { connectEngine } from '../../../src/engine/connect-engine.ts';
import type { CreateContainer, Engine } from '../../../src/engine/engine.ts';
import { isAbort } from '../../../src/errors.ts';
import { FakeEngine } from '../../support/fake-engine.ts';
import { freePort } from '../../support/hello-project.ts';
import { lab } from '../../support/lab.ts';

const never = new AbortController().signal;
const label = { 'stormctl.dev/test': 'containers' };
const network = 'stormctl-test-network';
const volume = 'stormctl-test-volume';

function sleeper(name: string, more: Partial<CreateContainer> = {}): CreateContainer {
  const script = 'echo one; echo two >&2; exec sleep 600';
  return { name, image: 'alpine:latest', command: ['sh', '-c', script], labels: label, network, ...more };
}

async function removeAll(engine: Engine): Promise<void> {
  for (const { id } of await engine.containers(label)) await engine.removeContainer(id);
  await engine.removeNetwork(network);
  await engine.removeNetwork(`${network}-2`);
  await engine.removeVolume(volume);
}

/** What the fake and a real engine must agree on. */
function lifeCycle(engine: Engine): void {
  test('a network and a volume are made once and removed once', async () => {
    assert.equal(await engine.ensureNetwork(network, label), true);
    assert.equal(await engine.ensureNetwork(network, label), false);
    assert.equal(await engine.ensureVolume(volume, label), true);
    assert.equal(await engine.ensureVolume(volume, label), false);
    await engine.removeVolume(volume);
    await engine.removeVolume(volume);
    await engine.removeNetwork(network);
    await engine.removeNetwork(network);
    assert.equal(await engine.ensureNetwork(network, label), true);
  });

  test('a container is created, started, found by its labels, stopped and removed', async () => {
    const ports = [{ container: 80, host: await freePort(), address: '127.0.0.1' }];
    const id = await engine.createContainer(sleeper('stormctl-test-life', { ports, binds: [`${volume}:/data`] }));
    const find = async () => (await engine.containers(label)).find((one) => one.name === 'stormctl-test-life');
    assert.equal((await find())?.state, 'created');
    assert.deepEqual((await find())?.ports, []);
    await engine.startContainer(id);
    await engine.startContainer(id);
    const running = await find();
    assert.equal(running?.id, id);
    assert.equal(running?.state, 'running');
    assert.equal(running?.image, 'alpine:latest');
    assert.deepEqual(running?.networks, [network]);
    assert.deepEqual(running?.ports, ports);
    await engine.removeContainer(id);
    await engine.removeContainer(id);
    assert.equal(await find(), undefined);
    assert.deepEqual(await engine.containers({ 'stormctl.dev/test': 'another' }), []);
  });

  test('a name that is taken and an image that is absent are refused', async () => {
    const id = await engine.createContainer(sleeper('stormctl-test-twice'));
    await assert.rejects(engine.createContainer(sleeper('stormctl-test-twice')), {
      kind: 'refused',
      message: /already in use/,
    });
    await assert.rejects(engine.createContainer(sleeper('stormctl-test-x', { image: 'stormctl-test-nowhere:1' })), {
      message: /[Nn]o such image/,
    });
    await engine.removeContainer(id);
  });

  test('a second network is joined and left, more than once', async () => {
    const id = await engine.createContainer(sleeper('stormctl-test-net'));
    await engine.ensureNetwork(`${network}-2`, label);
    const networks = async () => (await engine.containers(label)).find((one) => one.id === id)?.networks.toSorted();
    await engine.connectNetwork(`${network}-2`, id);
    await engine.connectNetwork(`${network}-2`, id);
    assert.deepEqual(await networks(), [network, `${network}-2`]);
    await engine.disconnectNetwork(`${network}-2`, id);
    await engine.disconnectNetwork(`${network}-2`, id);
    assert.deepEqual(await networks(), [network]);
    await engine.removeContainer(id);
    await engine.disconnectNetwork('stormctl-test-nowhere', 'stormctl-test-nobody');
  });

  test('a file is written before the container starts and read back', async () => {
    const id = await engine.createContainer(sleeper('stormctl-test-file'));
    await engine.writeFile(id, '/etc/a folder/deep/file.yaml', Buffer.from('grüß: dich\n'));
    assert.equal((await engine.readFile(id, '/etc/a folder/deep/file.yaml')).toString(), 'grüß: dich\n');
    await assert.rejects(engine.readFile(id, '/etc/nowhere'), { kind: 'refused' });
    await engine.removeContainer(id);
  });

  test('an image that is not there is undefined', async () => {
    assert.equal(await engine.inspectImage('stormctl-test-nowhere:1'), undefined);
    assert.ok(await engine.inspectImage('alpine:latest'));
  });

  test('which paths an image has is told without a container being left', async () => {
    const asked = ['/bin/sh', '/no/such/folder/sh', '/etc/passwd', '/etc/nothing'];
    assert.deepEqual(await engine.pathsInImage('alpine:latest', asked), ['/bin/sh', '/etc/passwd']);
    await assert.rejects(engine.pathsInImage('stormctl-test-nowhere:1', asked), { message: /[Nn]o such image/ });
  });

  test('an aborted call ends with AbortError', async () => {
    await assert.rejects(engine.containers({}, AbortSignal.abort('enough')), (error) => isAbort(error));
  });
}

describe('the life of containers, on the fake', () => {
  lifeCycle(new FakeEngine({ images: ['alpine:latest'] }));
});

describe('the life of containers, on a real engine', { skip: lab.skip }, () => {
  const engine = connectEngine(process.env);
  after(async () => {
    await removeAll(engine);
    await engine[Symbol.asyncDispose]();
  });

  lifeCycle(engine);

  test('it answers with its version', async () => {
    const { version, apiVersion } = await engine.ping();
    assert.equal(version, lab.docker);
    assert.match(apiVersion, /^1\.\d+$/);
  });

  describe('commands in a running container', () => {
    const start = async (name: string) => {
      await engine.ensureNetwork(network, label);
      const id = await engine.createContainer(sleeper(name));
      await engine.startContainer(id);
      return id;
    };

    test('logs are lines of both streams, until the container stops', async () => {
      const id = await start('stormctl-test-logs');
      const lines: string[] = [];
      for await (const line of engine.containerLogs(id, 0, never)) {
        lines.push(line);
        if (lines.length === 2) await engine.removeContainer(id);
      }
      assert.deepEqual(lines.toSorted(), ['one', 'two']);
    });

    test('following logs ends with AbortError', async () => {
      const id = await start('stormctl-test-logs-abort');
      const controller = new AbortController();
      await assert.rejects(
        async () => {
          for await (const _line of engine.containerLogs(id, 0, controller.signal)) controller.abort();
        },
        (error) => isAbort(error),
      );
      await engine.removeContainer(id);
    });

    test('exec gives both streams and the exit code', async () => {
      const id = await start('stormctl-test-exec');
      const result = await engine.exec(id, ['sh', '-c', 'echo out; echo err >&2; exit 3'], { signal: never });
      assert.deepEqual(result, { exitCode: 3, stdout: 'out\n', stderr: 'err\n' });
      await engine.removeContainer(id);
    });

    test('exec passes a large input through to its end', async () => {
      const id = await start('stormctl-test-stdin');
      const chunk = Buffer.alloc(1 << 16, 'x');
      const stdin = Readable.from(Array.from({ length: 256 }, () => chunk));
      const result = await engine.exec(id, ['wc', '-c'], { stdin, signal: never });
      assert.deepEqual([result.exitCode, result.stdout.trim()], [0, String(256 << 16)]);
      await engine.removeContainer(id);
    });

    test('a command that ends without reading its input is judged by its exit code', async () => {
      const id = await start('stormctl-test-unread');
      const endless = new Readable({
        read() {
          this.push(Buffer.alloc(1 << 16));
        },
      });
      const options = { stdin: endless, signal: never };
      assert.equal((await engine.exec(id, ['sh', '-c', 'exit 4'], options)).exitCode, 4);
      assert.ok(endless.destroyed);
      const silent = new Readable({ read() {} });
      assert.equal((await engine.exec(id, ['sh', '-c', 'exit 5'], { stdin: silent, signal: never })).exitCode, 5);
      await engine.removeContainer(id);
    });

    test('an input that fails is the error of the call', async () => {
      const id = await start('stormctl-test-broken-input');
      const stdin = new Readable({
        read() {
          this.destroy(new Error('the source is gone'));
        },
      });
      await assert.rejects(engine.exec(id, ['cat'], { stdin, signal: never }), /the source is gone/);
      await engine.removeContainer(id);
    });

    test('an abort ends an exec', async () => {
      const id = await start('stormctl-test-exec-abort');
      const controller = new AbortController();
      // Its input is read when it runs.
      const stdin = new Readable({ read: () => controller.abort() });
      await assert.rejects(engine.exec(id, ['sleep', '600'], { stdin, signal: controller.signal }), isAbort);
      await engine.removeContainer(id);
    });
  });
});
