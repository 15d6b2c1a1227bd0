import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { Scope } from '../../../src/lib/scope.ts';
import { Mask } from '../../../src/lib/mask.ts';
import { followLogs } from '../../../src/logs/follow-logs.ts';
import { openPodView } from '../../../src/pods/pod-view.ts';
import { LineWriter } from '../../../src/terminal/line-writer.ts';
import { FakeKube } from '../../support/fake-kube.ts';

const linesOfChunk = 64;
const chunks = 500;

/** One container whose log is 32 MB, and how many pieces of it were taken. */
class FloodingKube extends FakeKube {
  taken = 0;

  constructor() {
    super({ namespaces: ['storm'] });
    this.put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', namespace: 'storm', labels: { app: 'web' } },
      spec: { containers: [{ name: 'main' }] },
      status: { containerStatuses: [{ name: 'main', containerID: 'c', state: { running: {} } }] },
    });
  }

  override async *logs(_request: unknown, signal: AbortSignal): AsyncGenerator<Buffer<ArrayBuffer>, undefined, void> {
    for (; this.taken < chunks; this.taken++) {
      const lines = Array.from({ length: linesOfChunk }, (_, n) => {
        const number = this.taken * linesOfChunk + n;
        const stamp = new Date(Date.UTC(2026, 0, 1) + number).toISOString().replace('Z', '000000Z');
        return `${stamp} ${number} ${'x'.repeat(970)}\n`;
      });
      yield Buffer.from(lines.join(''));
    }
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    return undefined;
  }
}

/** A pipe whose other end reads nothing until `go`. */
class Pipe extends Writable {
  text = '';
  #stuck: (() => void) | undefined;
  #goes = false;

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    this.text += bytes.toString('latin1').replaceAll(/ x+$/gm, '');
    if (this.#goes) done();
    else this.#stuck = done;
  }

  go(): void {
    this.#goes = true;
    this.#stuck?.();
  }
}

test('of 32 MB little is read while nobody reads what is told, and then all of it, once', async () => {
  await using scope = new Scope();
  const { signal } = scope;
  const kube = new FloodingKube();
  const view = scope.own(openPodView({ kube, namespaces: ['storm'], labelSelector: 'app=web', signal }));
  const pipe = new Pipe();
  const writer = new LineWriter(pipe);
  let told = 0;
  const all = new Promise<void>((resolve) => {
    const report = (each: { readonly type: string; readonly line?: string }) => {
      if (each.type !== 'log') return;
      writer.print(each.line ?? '');
      if (++told === chunks * linesOfChunk) resolve();
    };
    const { drained } = writer;
    const rules = { exclude: [], mask: new Mask(), sourceOf: () => 'web', start: 'all' as const };
    scope.run((abort) => followLogs({ kube, view, report, drained, signal: abort, ...rules }), assert.ifError);
  });
  while (!writer.drained()) await new Promise(setImmediate);
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
  assert.ok(kube.taken < 32, `${kube.taken} pieces of 64 KB were taken`);
  pipe.go();
  await all;
  writer.flush();
  assert.deepEqual(
    pipe.text.trim().split('\n').map(Number),
    Array.from({ length: chunks * linesOfChunk }, (_, n) => n),
  );
});
