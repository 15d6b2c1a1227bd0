import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isAbort } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import { readLogs } from '../../../src/logs/read-logs.ts';
import type { ReadLogsOptions } from '../../../src/logs/read-logs.ts';
import { Mask } from '../../../src/lib/mask.ts';
import { openPodView } from '../../../src/pods/pod-view.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';

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

function stamped(second: number, text: string): string {
  return `2026-01-01T00:00:${String(second).padStart(2, '0')}.000000000Z ${text}`;
}

describe('readLogs', () => {
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
    await assert.rejects(read(kube), { name: 'Failure', kind: 'unreachable', detail: 'no such node' });
  });

  it('ends at the abort', async () => {
    const kube = new FakeKube({ namespaces: ['storm'] });
    addPod(kube, 'a', []);
    await assert.rejects(read(kube, { signal: AbortSignal.abort() }), isAbort);
  });
});
