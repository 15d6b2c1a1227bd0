import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Scope } from '../../../src/lib/scope.ts';
import { cut } from '../../support/fake-kube.ts';
import { at, follow, gapsOf, running } from './follow.ts';
import { PrintingKube } from './printing-kube.ts';

/** Resolves when the log was asked for that often. */
async function untilAsked(kube: PrintingKube, times: number): Promise<void> {
  while (kube.asked.length < times) await new Promise(setImmediate);
}

describe('followLogs of a container that runs already', { timeout: 90_000 }, () => {
  it('tells all that a quiet container prints while its stream is cut, however few of its last lines are wanted', async () => {
    const kube = running();
    await using scope = new Scope();
    const { lines, until } = follow(scope, kube, { start: { tailLines: 2 } });
    await untilAsked(kube, 2);
    while (kube.open < 1) await new Promise(setImmediate);
    kube.refusals.push(cut());
    kube.endStreams();
    for (let n = 0; n < 5; n++) kube.print(at(n), `line ${n}`);
    await until(() => lines.length >= 5);
    assert.deepEqual(lines, ['line 0', 'line 1', 'line 2', 'line 3', 'line 4']);
  });

  it('tells all that comes after the lines that are wanted, though the stream is cut before its first line', async () => {
    const kube = running('old 0', 'old 1', 'old 2');
    await using scope = new Scope();
    // The first read is whole; the first stream gives nothing.
    kube.cutAfter = () => (kube.asked.length === 2 ? 0 : undefined);
    const { lines, until } = follow(scope, kube, { start: { tailLines: 1 } });
    await until(() => lines.length === 1);
    for (let n = 0; n < 4; n++) kube.print(at(10 + n), `new ${n}`);
    await until(() => lines.length >= 5);
    assert.deepEqual(lines, ['old 2', 'new 0', 'new 1', 'new 2', 'new 3']);
  });

  it('asks again for the last lines when nothing of them came, and goes on from where they broke off', async () => {
    const kube = running('old 0', 'old 1', 'old 2', 'old 3', 'old 4');
    await using scope = new Scope();
    kube.cutAt(0, Buffer.byteLength(`${at(0)} old 0\n`) + 5);
    const { lines, until } = follow(scope, kube, { start: { tailLines: 3 } });
    await until(() => lines.length >= 3);
    assert.deepEqual(lines, ['old 2', 'old 3', 'old 4']);
    assert.deepEqual(
      kube.asked.map(({ tailLines, follow }) => [tailLines, follow]),
      [
        [3, undefined],
        [3, undefined],
        [undefined, true],
      ],
    );
  });

  it('tells nothing that was there when no line of it is wanted, and all that comes', async () => {
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(0), 'old 0');
    kube.print(at(1), 'old 1');
    kube.show('running');
    await using scope = new Scope();
    const { lines, until } = follow(scope, kube, { start: { tailLines: 0 } });
    await untilAsked(kube, 2);
    kube.endStreams();
    kube.print(at(2), 'new 0');
    kube.print(at(3), 'new 1');
    await until(() => lines.length >= 2);
    assert.deepEqual(lines, ['new 0', 'new 1']);
  });

  it('tells nothing of a crashed run when it restarts, if no line of it was wanted, and its later runs whole', async () => {
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(0), 'crash 0');
    kube.start();
    kube.print(at(1000), 'crash 1');
    kube.end();
    kube.show('waiting');
    await using scope = new Scope();
    const { lines, others, until } = follow(scope, kube, { start: { tailLines: 0 } });
    await untilAsked(kube, 2);
    kube.start();
    kube.print(at(20_000), 'start 2');
    kube.print(at(20_001), 'crash 2');
    kube.show('running');
    await until(() => lines.length >= 2);
    kube.start();
    kube.print(at(40_000), 'start 3');
    kube.show('running');
    await until(() => lines.length >= 3);
    assert.deepEqual(lines, ['start 2', 'crash 2', 'start 3']);
    assert.deepEqual(gapsOf(others), []);
  });

  it('takes the last lines of a run that was over before they could be read from the log of the run before', async () => {
    const kube = running('old 0', 'old 1', 'old 2', 'old 3');
    await using scope = new Scope();
    kube.refusals.push(cut());
    const { lines, others, until } = follow(scope, kube, { start: { tailLines: 2 } });
    await untilAsked(kube, 1);
    kube.start();
    kube.print(at(5000), 'new');
    kube.show('running');
    await until(() => lines.length >= 3);
    assert.deepEqual(lines, ['old 2', 'old 3', 'new']);
    assert.deepEqual(gapsOf(others), []);
  });

  it('does not take the run before for the one that has printed nothing yet', async () => {
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(0), 'of no interest');
    kube.start();
    kube.show('running');
    await using scope = new Scope();
    const { lines, until } = follow(scope, kube, { start: { tailLines: 5 } });
    await untilAsked(kube, 2);
    kube.endStreams();
    kube.print(at(5000), 'first');
    await until(() => lines.length >= 1);
    kube.print(at(5001), 'second');
    await until(() => lines.length >= 2);
    assert.deepEqual(lines, ['first', 'second']);
  });

  it('tells a run that printed its first line and ended while everything was cut, before the next one', async () => {
    const kube = running();
    await using scope = new Scope();
    const { lines, until } = follow(scope, kube, { start: { tailLines: 5 } });
    await untilAsked(kube, 2);
    const release = kube.hide();
    kube.print(at(0), 'last words');
    kube.refusals.push(cut());
    kube.start();
    kube.print(at(9000), 'next run');
    kube.show('running');
    while (!kube.requests.some(({ query }) => query?.['fieldSelector'] === 'metadata.name=web-0'))
      await new Promise(setImmediate);
    release();
    await until(() => lines.length >= 2);
    assert.deepEqual(lines, ['last words', 'next run']);
  });

  it('tells a container from its first line that was there, and had not begun', async () => {
    const kube = new PrintingKube();
    kube.show('waiting');
    await using scope = new Scope();
    const { lines, until, view } = follow(scope, kube, { start: { tailLines: 1 } });
    await view.synced;
    await new Promise(setImmediate);
    kube.start();
    kube.print(at(0), 'first');
    kube.print(at(1), 'second');
    kube.show('running');
    await until(() => lines.at(-1) === 'second');
    assert.deepEqual(lines, ['first', 'second']);
  });

  it('begins with an unfinished line where no other one is wanted, and tells it whole', async () => {
    for (const tailLines of [1, 0]) {
      const kube = new PrintingKube();
      kube.start();
      kube.print(at(0), 'old 0');
      kube.print(at(1), 'old 1');
      kube.print(at(2), 'prompt> ', '');
      kube.show('running');
      await using scope = new Scope();
      const { lines, until } = follow(scope, kube, { start: { tailLines } });
      await untilAsked(kube, 2);
      kube.printRest('yes\n');
      kube.print(at(3), 'thanks');
      await until(() => lines.at(-1) === 'thanks');
      assert.deepEqual(lines, ['prompt> yes', 'thanks'], `--tail ${tailLines}`);
    }
  });

  it('tells no last words of a run that is over when no line of it is wanted', async () => {
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(0), 'fatal', '');
    kube.end();
    kube.show('terminated');
    await using scope = new Scope();
    const { lines, until } = follow(scope, kube, { start: { tailLines: 0 } });
    await untilAsked(kube, 2);
    kube.start();
    kube.print(at(9000), 'next');
    kube.show('running');
    await until(() => lines.at(-1) === 'next');
    assert.deepEqual(lines, ['next']);
  });
});
