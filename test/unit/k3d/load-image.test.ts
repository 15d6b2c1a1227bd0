import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import type { ExecOptions, ExecResult } from '../../../src/engine/engine.ts';
import { Failure, isAbort } from '../../../src/errors.ts';
import { loadImage } from '../../../src/k3d/load-image.ts';
import { FakeEngine } from '../../support/fake-engine.ts';

const never = new AbortController().signal;
const nodes = ['server', 'agent'].map((name) => ({ id: name, name }));
const done: ExecResult = { exitCode: 0, stdout: '', stderr: '' };

/** An engine whose image is as large as a test wants, and whose nodes read it as a test wants. */
class LargeImage extends FakeEngine {
  readonly chunk = Buffer.alloc(1 << 16);
  saved = 0;
  onImport: (node: string, stdin: Readable, signal: AbortSignal) => Promise<ExecResult> = async (_, stdin) => {
    for await (const _chunk of stdin);
    return done;
  };

  override async save(_: readonly string[], signal: AbortSignal): Promise<Readable> {
    const tar = new Readable({
      signal,
      read: () => {
        this.saved += this.chunk.length;
        tar.push(this.saved > 64 << 20 ? null : this.chunk);
      },
    });
    return tar;
  }

  override exec(node: string, _: readonly string[], { stdin, signal }: ExecOptions): Promise<ExecResult> {
    return this.onImport(node, stdin ?? Readable.from([]), signal);
  }
}

describe('loading an image', () => {
  test('it is saved once and imported whole by every node', async () => {
    const engine = new FakeEngine();
    await loadImage(engine, nodes, ['web:1', 'api:1'], { signal: never });
    assert.equal(engine.calls.filter((call) => call.startsWith('save')).length, 1);
    assert.deepEqual(
      engine.execs.map(({ container, input }) => [container, input]),
      [
        ['server', 'tar of web:1 api:1'],
        ['agent', 'tar of web:1 api:1'],
      ],
    );
    assert.deepEqual(engine.execs[0]?.command, ['ctr', '-n', 'k8s.io', 'images', 'import', '-']);
  });

  test('the slowest node sets the pace', async () => {
    const engine = new LargeImage();
    let seen = 0;
    engine.onImport = async (node, stdin) => {
      for await (const chunk of stdin) {
        if (node === 'agent') continue;
        seen += (chunk as Buffer).length;
        assert.ok(engine.saved - seen < 2 << 20, `${engine.saved - seen} bytes are waiting`);
        await new Promise(setImmediate);
      }
      return done;
    };
    await loadImage(engine, nodes, ['web:1'], { signal: never });
    assert.equal(seen, 64 << 20);
  });

  test('a node that does not take it is named, with what ctr said, and the others are ended', async () => {
    const engine = new LargeImage();
    const ended: string[] = [];
    engine.onImport = async (node, stdin, signal) => {
      if (node === 'agent') {
        stdin.destroy();
        return { exitCode: 1, stdout: '', stderr: 'ctr: no space left on device\n' };
      }
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      ended.push(node);
      stdin.destroy();
      throw Object.assign(new Error('aborted'), { name: 'AbortError' });
    };
    await assert.rejects(loadImage(engine, nodes, ['web:1'], { signal: never }), {
      kind: 'ship',
      message: 'the node agent did not take web:1',
      detail: 'ctr: no space left on device',
    });
    assert.deepEqual(ended, ['server']);
  });

  test('an engine that goes away while it saves is the error', async () => {
    const engine = new LargeImage();
    const gone = new Failure('unreachable', 'the connection was cut');
    engine.save = async () => {
      const tar = new Readable({ read: () => tar.destroy(gone) });
      return tar;
    };
    await assert.rejects(loadImage(engine, nodes, ['web:1'], { signal: never }), { message: 'the connection was cut' });
  });

  test('an abort ends with AbortError', async () => {
    const engine = new LargeImage();
    const controller = new AbortController();
    engine.onImport = async (_, stdin, signal) => {
      stdin.once('data', () => controller.abort());
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      throw Object.assign(new Error('aborted'), { name: 'AbortError' });
    };
    await assert.rejects(loadImage(engine, nodes, ['web:1'], { signal: controller.signal }), (error) => isAbort(error));
  });

  test("the caller's signal keeps nothing of a load that ended, well or not", async () => {
    const { signal } = new AbortController();
    await loadImage(new FakeEngine(), nodes, ['web:1'], { signal });
    const failing = new LargeImage();
    failing.onImport = async (_, stdin) => {
      stdin.destroy();
      return { ...done, exitCode: 1 };
    };
    await assert.rejects(loadImage(failing, nodes, ['web:1'], { signal }), { kind: 'ship' });
    assert.deepEqual(getEventListeners(signal, 'abort'), []);
  });
});
