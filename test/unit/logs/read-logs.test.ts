import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure, isAbort } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import type { LogRequest } from '../../../src/kube/kube.ts';
import { readLogs } from '../../../src/logs/read-logs.ts';
import type { ReadLogsOptions } from '../../../src/logs/read-logs.ts';
import { Mask } from '../../../src/lib/mask.ts';
import { openPodView } from '../../../src/pods/pod-view.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { PrintingKube } from './printing-kube.ts';

const none = { unreachedMs: 0, refusedMs: 0 };
const signal = new AbortController().signal;

function addPod(kube: FakeKube, name: string, printed: readonly string[] | undefined): void {
  const labels = { 'stormctl.dev/project': 'p' };
  kube.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'storm', labels },
    spec: { containers: [{ name: 'main' }] },
    status: { containerStatuses: printed ? [{ name: 'main', containerID: `c-${name}`, state: { running: {} } }] : [] },
  });
  if (printed) kube.printed.set(`storm/${name}/main`, printed.join(''));
}

async function read(kube: FakeKube, options: Partial<ReadLogsOptions> = {}): Promise<readonly string[]> {
  const lines: string[] = [];
  const report = (each: Report) => each.type === 'log' && lines.push(`${each.source} ${each.line}`);
  await using view = openPodView({ kube, namespaces: ['storm'], labelSelector: 'stormctl.dev/project=p', signal });
  const sourceOf = (pod: { readonly name: string }) => pod.name;
  await readLogs({
    kube,
    view,
    sourceOf,
    limits: {},
    previous: false,
    exclude: [],
    mask: new Mask(),
    report,
    drained: () => undefined,
    signal,
    ...options,
  });
  return lines;
}

function stamp(second: number): string {
  return `2026-01-01T00:00:${String(second).padStart(2, '0')}.000000000Z`;
}

function stamped(second: number, text: string): string {
  return `${stamp(second)} ${text}`;
}

describe('readLogs', { timeout: 120_000 }, () => {
  it('merges the logs of all containers by time, the last line without a newline too', async () => {
    const kube = new FakeKube({ namespaces: ['storm'] });
    addPod(kube, 'a', [stamped(1, 'one\n'), stamped(4, 'four')]);
    addPod(kube, 'b', [stamped(2, 'two\n'), stamped(3, 'three\n'), stamped(5, 'five\n')]);
    addPod(kube, 'creating', undefined);
    assert.deepEqual(await read(kube), ['a one', 'b two', 'b three', 'a four', 'b five']);
  });

  it('reads the last lines only, and leaves out what the rules exclude', async () => {
    const kube = new FakeKube({ namespaces: ['storm'] });
    addPod(kube, 'a', [stamped(1, 'one\n'), stamped(2, 'two\n'), stamped(3, 'health\n')]);
    const exclude = [{ service: 'a', container: undefined, match: /health/ }];
    assert.deepEqual(await read(kube, { limits: { tailLines: 2 }, exclude }), ['a two']);
  });

  it('compares times of nodes in different zones', async () => {
    const kube = new FakeKube({ namespaces: ['storm'] });
    addPod(kube, 'a', ['2026-01-01T01:00:02+01:00 second\n']);
    addPod(kube, 'b', ['2026-01-01T00:00:01.5Z first\n']);
    assert.deepEqual(await read(kube), ['b first', 'a second']);
  });

  it('throws what breaks a log half-way', async () => {
    const kube = new (class extends FakeKube {
      override async *logs(): AsyncGenerator<Buffer<ArrayBuffer>, undefined, void> {
        yield Buffer.from(stamped(1, 'one\n'));
        throw refusal('GET', '/log', 500, 'InternalError', 'no such node');
      }
    })({ namespaces: ['storm'] });
    addPod(kube, 'a', []);
    await assert.rejects(read(kube, { patience: none }), {
      name: 'Failure',
      kind: 'unreachable',
      detail: 'no such node',
    });
  });

  it('ends at the abort', async () => {
    const kube = new FakeKube({ namespaces: ['storm'] });
    addPod(kube, 'a', []);
    await assert.rejects(read(kube, { signal: AbortSignal.abort() }), isAbort);
  });

  it('goes on where it was wherever a stream is cut, each line once', async () => {
    const printed = [1, 1, 2, 3, 5].map((second, n) => [stamp(second), `line ${n} é`] as const);
    const length = Buffer.byteLength(printed.map(([at, text]) => `${at} ${text}\n`).join(''));
    const cutAt = async (cut: number) => {
      const kube = new PrintingKube();
      kube.start();
      for (const [at, text] of printed) kube.print(at, text);
      kube.show('running');
      kube.cutAt(cut);
      const expected = printed.map(([, text]) => `web-0 ${text}`);
      assert.deepEqual(await read(kube), expected, `cut after byte ${cut}`);
    };
    await Promise.all(Array.from({ length }, (_, cut) => cutAt(cut)));
  });

  it('keeps to the last lines that were asked for when the stream is cut among them', async () => {
    const kube = new PrintingKube();
    kube.start();
    for (const n of [0, 1, 2, 3, 4]) kube.print(stamp(1), `line ${n}`);
    kube.print(stamp(2), 'line 5');
    kube.print(stamp(3), 'line 6');
    kube.show('running');
    kube.cutAt(Buffer.byteLength(`${stamp(1)} line 0\n`) * 2 + 4);
    assert.deepEqual(await read(kube, { limits: { tailLines: 3 } }), ['web-0 line 4', 'web-0 line 5', 'web-0 line 6']);
  });

  it('says between which times lines are missing that were rotated away during a cut', async () => {
    const kube = new PrintingKube();
    kube.start();
    kube.print(stamp(1), 'one');
    kube.print(stamp(2), 'two');
    kube.show('running');
    const cuts = [Buffer.byteLength(`${stamp(1)} one\n`) + 4];
    kube.cutAfter = () => {
      if (kube.asked.length === 2) kube.runs[0]?.lines.splice(0);
      if (kube.asked.length === 2) kube.print(stamp(9), 'nine');
      return cuts.shift();
    };
    const reports: Report[] = [];
    await read(kube, { report: (each) => void reports.push(each) });
    assert.deepEqual(
      reports.map((each) => (each.type === 'log' ? each.line : each.type === 'log.gap' && [each.from, each.to])),
      ['one', [stamp(1), stamp(9)], 'nine'],
    );
  });

  it('names the pod and the container whose log breaks off for good, when the others are told', async () => {
    const kube = new (class extends FakeKube {
      override async *logs(request: LogRequest, signal: AbortSignal) {
        yield* super.logs(request, signal);
        if (request.pod === 'a') throw new Failure('unreachable', 'the cluster closed the connection');
      }
    })({ namespaces: ['storm'] });
    addPod(kube, 'a', [stamped(1, 'one\n')]);
    addPod(kube, 'b', [stamped(2, 'two\n')]);
    const lines: string[] = [];
    const report = (each: Report) => void (each.type === 'log' && lines.push(each.line));
    await assert.rejects(read(kube, { report, patience: none }), {
      kind: 'unreachable',
      message: "the log of a/main can't be read to the end: the cluster closed the connection",
      where: 'a/main',
    });
    assert.deepEqual(lines, ['one', 'two']);
  });

  it('has few logs open at once of many that are long, and merges them all the same', async () => {
    const kube = new LongLogs(100, 4000);
    const { length } = await read(kube, { report: kube.check });
    assert.equal(length, 0);
    assert.equal(kube.told, 100 * 4000);
    assert.ok(kube.mostOpen <= 64, `${kube.mostOpen} were open at once`);
  });
});

/** Pods that have each printed a line a second, in chunks, as a connection gives them. */
class LongLogs extends FakeKube {
  mostOpen = 0;
  told = 0;
  #open = 0;
  #last = '';
  readonly #seconds: number;

  constructor(pods: number, seconds: number) {
    super({ namespaces: ['storm'] });
    this.#seconds = seconds;
    for (let n = 0; n < pods; n++) addPod(this, `p${n}`, []);
  }

  readonly check = (each: Report): void => {
    if (each.type !== 'log') return;
    assert.ok(each.stamp >= this.#last, `${each.stamp} after ${this.#last}`);
    this.#last = each.stamp;
    this.told++;
  };

  override async *logs({ sinceTime }: LogRequest, abort: AbortSignal): AsyncGenerator<Buffer<ArrayBuffer>> {
    abort.throwIfAborted();
    this.#open++;
    this.mostOpen = Math.max(this.mostOpen, this.#open);
    try {
      const first = sinceTime === undefined ? 0 : Date.parse(sinceTime) / 1000;
      for (let from = first; from < this.#seconds; from += 500) {
        await new Promise(setImmediate);
        const lines = Array.from({ length: Math.min(500, this.#seconds - from) }, (_, n) => {
          const time = new Date((from + n) * 1000).toISOString().replace('Z', '000000Z');
          return `${time} what is said at ${from + n}\n`;
        });
        yield Buffer.from(lines.join(''));
      }
    } finally {
      this.#open--;
    }
  }
}
