import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure } from '../../../src/errors.ts';
import { Scope } from '../../../src/lib/scope.ts';
import { refusal } from '../../support/fake-kube.ts';
import { at, follow, gapsOf, running } from './follow.ts';
import { PrintingKube } from './printing-kube.ts';

describe('followLogs', { timeout: 90_000 }, () => {
  it('tells a container that is still being created from its first line, without asking before it runs', async () => {
    const kube = new PrintingKube();
    kube.show('waiting');
    await using scope = new Scope();
    const { lines, until, view } = follow(scope, kube);
    await view.synced;
    await new Promise(setImmediate);
    assert.equal(kube.asked.length, 0);
    kube.start();
    kube.print(at(0), 'first');
    kube.show('running');
    await until(() => lines.length === 1);
    kube.print(at(1), 'second');
    await until(() => lines.length === 2);
    assert.deepEqual(lines, ['first', 'second']);
  });

  it('says whose lines will come before the first of them', async () => {
    const kube = running('first');
    await using scope = new Scope();
    const expected: string[] = [];
    const { lines, until } = follow(scope, kube, {
      expectPod: ({ source, namespace, pod }) => expected.push(`${lines.length} ${source} ${namespace}/${pod}`),
    });
    await until(() => lines.length === 1);
    assert.match(expected.join(), /^0 \S+ storm\/\S+$/);
  });

  it('tells each line once and in order wherever the stream is cut', async () => {
    const printed = [
      [at(0), 'één'],
      [at(0), 'same stamp'],
      [at(0), 'same stamp'],
      [at(200), 'next second'],
      [at(150), 'stderr, stamped before its neighbour'],
      [at(150), ''],
      [at(2400), 'later 🌀'],
    ] as const;
    const length = Buffer.concat(printed.map(([stamp, text]) => Buffer.from(`${stamp} ${text}\n`))).length;
    const cutAt = async (cut: number) => {
      const kube = new PrintingKube();
      kube.start();
      for (const [stamp, text] of printed.slice(0, 4)) kube.print(stamp, text);
      kube.show('running');
      await using scope = new Scope();
      kube.cutAt(cut);
      const { lines, until } = follow(scope, kube);
      for (const [stamp, text] of printed.slice(4)) kube.print(stamp, text);
      await until(() => lines.length >= printed.length);
      assert.deepEqual(
        lines,
        printed.map(([, text]) => text),
        `cut after byte ${cut}`,
      );
    };
    await Promise.all(Array.from({ length: length + 1 }, (_, cut) => cutAt(cut)));
  });

  it('tells 5,000 lines once and in order through random cuts, and says how many it recovered', async () => {
    const kube = running();
    await using scope = new Scope();
    let budget = 20;
    kube.cutAfter = () => (budget-- > 0 ? Math.floor(Math.random() * 120_000) : undefined);
    const { lines, others, until } = follow(scope, kube);
    const total = 5000;
    for (let n = 0; n < total; n++) {
      kube.print(at(n, n % 3), `line ${n}`);
      if (n % 50 === 0) await new Promise(setImmediate);
    }
    await until(() => lines.length >= total);
    assert.deepEqual(
      lines,
      Array.from({ length: total }, (_, n) => `line ${n}`),
    );
    assert.ok(kube.asked.length > 3, 'the stream was never cut');
    await until(() => others.length > 0);
    const [recovered] = others;
    assert.ok(recovered?.type === 'log.recovered');
    assert.ok(recovered.lines > 0);
  });

  it('resumes a stream that ends cleanly while its container runs', async () => {
    const kube = running('a');
    await using scope = new Scope();
    const { lines, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    kube.endStreams();
    kube.print(at(1), 'b');
    await until(() => lines.length === 2);
    assert.deepEqual(lines, ['a', 'b']);
  });

  it('reads nothing more while what it told waits to be read, and then goes on where it was', async () => {
    const kube = running('a');
    await using scope = new Scope();
    let makeRoom: (() => void) | undefined;
    let room: Promise<void> | undefined = new Promise((resolve) => {
      makeRoom = resolve;
    });
    const { lines, until } = follow(scope, kube, { drained: () => room });
    await until(() => lines.length === 1);
    kube.print(at(1), 'b');
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    assert.deepEqual(lines, ['a']);
    room = undefined;
    makeRoom?.();
    await until(() => lines.length === 2);
    assert.deepEqual(lines, ['a', 'b']);
  });

  it('ends at the abort though what it told is never read', async () => {
    const kube = running('a');
    const scope = new Scope();
    const { lines, until, done } = follow(scope, kube, { drained: () => new Promise(() => {}) });
    await until(() => lines.length === 1);
    await scope[Symbol.asyncDispose]();
    await done;
    assert.equal(kube.open, 0);
  });

  it('opens a stream anew that is silent while the log goes on', async () => {
    const kube = running('a');
    await using scope = new Scope();
    const { lines, until } = follow(scope, kube, { doubt: { quietMs: 5, floodMs: 5, graceMs: 5, answerMs: 10_000 } });
    await until(() => lines.length === 1);
    kube.stalls = true;
    kube.print(at(1), 'b');
    await until(() => lines.length === 2);
    assert.deepEqual(lines, ['a', 'b']);
  });

  it('opens a stream anew that follows a file which is the log no more, and tells a gap where it was read late', async () => {
    for (const [lagMs, hasGap] of [
      [0, false],
      [60_000, true],
    ] as const) {
      const stamp = new Date(Date.now() - lagMs).toISOString().replace('Z', '000000Z');
      const kube = running();
      kube.print(stamp, 'a');
      await using scope = new Scope();
      const { lines, others, until } = follow(scope, kube, {
        doubt: { quietMs: 5, floodMs: 5, graceMs: 5, answerMs: 10_000 },
      });
      await until(() => lines.length === 1);
      kube.stalls = true;
      kube.runs[0]?.lines.splice(0);
      while (kube.asked.filter((request) => request.follow).length < 2) await new Promise(setImmediate);
      const told = hasGap ? [[stamp, undefined]] : [];
      assert.deepEqual(gapsOf(others), told);
      kube.print(new Date(Date.now() + 60_000).toISOString().replace('Z', '000000Z'), 'b');
      await until(() => lines.length === 2);
      assert.deepEqual(lines, ['a', 'b']);
      assert.deepEqual(gapsOf(others), told);
    }
  });

  it('puts together the line that the node cut when it began a new file, but for one that a gap is behind', async () => {
    for (const [lagMs, expected] of [
      [0, ['a', 'half a line, and the other half', 'b']],
      [60_000, ['a', 'half a line, ', 'gap', 'and the other half', 'b']],
    ] as const) {
      const stampAt = (ms: number) => new Date(Date.now() + ms).toISOString().replace('Z', '000000Z');
      const kube = running();
      kube.print(stampAt(-lagMs), 'a');
      kube.print(stampAt(-lagMs), 'half a line, ', '');
      await using scope = new Scope();
      const told: string[] = [];
      follow(scope, kube, {
        doubt: { quietMs: 5, floodMs: 5, graceMs: 5, answerMs: 10_000 },
        report: (each) => told.push(each.type === 'log' ? each.line : each.type === 'log.gap' ? 'gap' : each.type),
      });
      while (told.length === 0) await new Promise(setImmediate);
      kube.stalls = true;
      kube.runs[0]?.lines.splice(0);
      while (kube.asked.filter((request) => request.follow).length < 2) await new Promise(setImmediate);
      const first = stampAt(60_000);
      kube.print(first, 'and the other half');
      kube.print(first, 'b');
      while (told.at(-1) !== 'b') await new Promise(setImmediate);
      assert.deepEqual(told, expected);
      // What is in the log now was all told.
      kube.stalls = false;
      kube.endStreams();
      kube.print(stampAt(61_000), 'c');
      while (told.at(-1) !== 'c') await new Promise(setImmediate);
      assert.deepEqual(
        told.filter((each) => each !== 'log.recovered'),
        [...expected, 'c'],
      );
    }
  });

  it('joins no last words of a run with the first ones of the next', async () => {
    const kube = running();
    const stampAt = (ms: number) => new Date(Date.now() + ms).toISOString().replace('Z', '000000Z');
    kube.print(stampAt(0), 'a');
    kube.print(stampAt(0), 'pan', '');
    await using scope = new Scope();
    const { lines, until } = follow(scope, kube, { doubt: { quietMs: 5, floodMs: 5, graceMs: 5, answerMs: 10_000 } });
    await until(() => lines.length === 1);
    // Watches do not tell that the log which is empty now is that of the next run.
    kube.stalls = true;
    const release = kube.hide();
    kube.start();
    kube.show('running');
    kube.keepsPrevious = false;
    while (kube.asked.filter((request) => request.follow).length < 2) await new Promise(setImmediate);
    kube.print(stampAt(60_000), 'b');
    await until(() => lines.length === 3);
    assert.deepEqual(lines, ['a', 'pan', 'b']);
    release();
  });

  it('leaves a silent stream alone whose log has nothing more, an unfinished line included', async () => {
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(0), 'a');
    kube.print(at(1), 'prompt> ', '');
    kube.show('running');
    await using scope = new Scope();
    const { lines, until } = follow(scope, kube, { doubt: { quietMs: 2, floodMs: 2, graceMs: 2, answerMs: 10_000 } });
    await until(() => lines.length === 1);
    while (kube.asked.length < 6) await new Promise(setImmediate);
    assert.equal(kube.asked.filter(({ follow }) => follow).length, 1);
    assert.equal(kube.asked.filter(({ tailLines }) => tailLines === 1).length, kube.asked.length - 1);
  });

  it('tells the last words of a container that ends without a newline, once', async () => {
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(0), 'listening');
    kube.print(at(1), 'pan', '');
    kube.show('running');
    await using scope = new Scope();
    const { lines, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    kube.printRest('ic');
    kube.end();
    kube.show('terminated');
    await until(() => lines.length === 2);
    assert.deepEqual(lines, ['listening', 'panic']);
  });

  it('tells the last words of a pod that is gone before its log can be asked for again', async () => {
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(0), 'bye', '');
    kube.show('running');
    await using scope = new Scope();
    const { lines, until, view } = follow(scope, kube);
    await view.synced;
    while (kube.asked.length === 0) await new Promise(setImmediate);
    await new Promise(setImmediate);
    kube.gone();
    await until(() => lines.length === 1);
    assert.deepEqual(lines, ['bye']);
  });

  it('completes a run that was cut from the previous log, before the lines of the next run', async () => {
    const kube = running('a1');
    await using scope = new Scope();
    kube.cutAt(Buffer.byteLength(`${at(0)} a1\n`) + 5);
    const { lines, others, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    // Cut, crashed and started again before anybody looks.
    kube.print(at(5), 'a2');
    kube.print(at(6), 'a3: fatal', '');
    kube.start();
    kube.print(at(1500), 'b1');
    kube.show('running');
    await until(() => lines.length === 4);
    assert.deepEqual(lines, ['a1', 'a2', 'a3: fatal', 'b1']);
    assert.deepEqual(
      others.filter(({ type }) => type === 'warning'),
      [],
    );
  });

  it('notices that a resumed log is of the next run though the view does not know it yet', async () => {
    const kube = running('a1');
    await using scope = new Scope();
    kube.cutAt(Buffer.byteLength(`${at(0)} a1\n`) + 5);
    const { lines, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    kube.print(at(5), 'a2');
    kube.start();
    kube.print(at(1500), 'b1');
    await until(() => lines.length === 3);
    kube.show('running');
    kube.print(at(1501), 'b2');
    await until(() => lines.length === 4);
    assert.deepEqual(lines, ['a1', 'a2', 'b1', 'b2']);
  });

  it('tells a run whose only line has no end, once, whether it runs, is over, or is another one by then', async () => {
    for (const start of ['all', { tailLines: 1 }] as const)
      for (const isOver of [false, true]) {
        const kube = new PrintingKube();
        kube.start();
        kube.print(at(0), 'a', '');
        if (isOver) kube.end();
        kube.show(isOver ? 'terminated' : 'running');
        await using scope = new Scope();
        const { lines, others, until } = follow(scope, kube, { start });
        while (kube.asked.length === 0) await new Promise(setImmediate);
        kube.end();
        kube.show('terminated');
        await until(() => lines.length === 1);
        kube.start();
        kube.print(at(5000), 'b', '');
        kube.show('running');
        while (!kube.asked.at(-1)?.follow) await new Promise(setImmediate);
        kube.end();
        kube.show('terminated');
        await until(() => lines.length === 2);
        kube.gone();
        assert.deepEqual(lines, ['a', 'b']);
        assert.deepEqual(gapsOf(others), []);
      }
  });

  it('tells what it has read of a pod that is gone before anybody can say whose line it is', async () => {
    const kube = running('a1');
    const request = kube.request.bind(kube);
    let asked = 0;
    kube.request = (each) => {
      if (each.query?.['fieldSelector'] !== undefined && asked++ === 0) {
        kube.gone();
        return Promise.reject(refusal('GET', each.path, 503, 'ServiceUnavailable', 'not now'));
      }
      return request(each);
    };
    await using scope = new Scope();
    const { lines, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    assert.deepEqual(lines, ['a1']);
    assert.equal(asked, 1);
  });

  it('misses nothing of a run that was read to its end from the previous log, though that has gone since', async () => {
    const kube = running('a1');
    await using scope = new Scope();
    const { lines, others, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    // The view goes from one run to the next; the first stream of that one breaks.
    const cuts = [undefined, 0];
    kube.cutAfter = () => {
      if (cuts.length === 1) kube.keepsPrevious = false;
      return cuts.shift();
    };
    kube.start();
    kube.show('running');
    kube.print(at(5000), 'b1');
    await until(() => lines.length === 2);
    assert.deepEqual(lines, ['a1', 'b1']);
    assert.deepEqual(gapsOf(others), []);
  });

  it('waits for the view where the first log that it reads is already that of the next run', async () => {
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(0), 'a1: no such file');
    kube.show('running');
    await using scope = new Scope();
    const { lines, others, until, view } = follow(scope, kube);
    await view.synced;
    // It crashed at once, and the node was quicker than the news of it.
    const release = kube.hide();
    kube.start();
    kube.print(at(5000), 'b1: no such file');
    kube.show('running');
    while (kube.asked.length < 2) await new Promise(setImmediate);
    assert.deepEqual(lines, []);
    release();
    await until(() => lines.length === 2);
    assert.deepEqual(lines, ['a1: no such file', 'b1: no such file']);
    assert.deepEqual(gapsOf(others), []);
  });

  it('never takes the beginning of a line of the next run for the last words of the run before', async () => {
    const kube = running('a1');
    await using scope = new Scope();
    const first = Buffer.byteLength(`${at(0)} a1\n`);
    // Met under the old run, the log of the next one is cut in its second line.
    kube.cutAt(first + 5, Buffer.byteLength(`${at(5000)} b1\n${at(5001)} b`));
    const { lines, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    kube.start();
    kube.print(at(5000), 'b1');
    kube.print(at(5001), 'b2');
    await until(() => lines.length === 2);
    kube.show('running');
    kube.print(at(5002), 'b3');
    await until(() => lines.length === 4);
    assert.deepEqual(lines, ['a1', 'b1', 'b2', 'b3']);
  });

  it('misses nothing of a run that was told to its end, though its log has gone when the next one is first cut', async () => {
    const kube = running('a1');
    await using scope = new Scope();
    const { lines, others, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    kube.end();
    kube.show('terminated');
    while (kube.open > 0 || kube.asked.length < 3) await new Promise(setImmediate);
    // The run before is read once more, then its container is removed; the first stream of the next run breaks.
    const cuts = [undefined, 0];
    kube.cutAfter = () => {
      if (cuts.length === 1) kube.keepsPrevious = false;
      return cuts.shift();
    };
    kube.start();
    kube.show('running');
    kube.print(at(5000), 'b1');
    await until(() => lines.length === 2);
    assert.deepEqual(lines, ['a1', 'b1']);
    assert.deepEqual(gapsOf(others), []);
  });

  it('misses nothing of a run that was completed before the view showed the next one, though its log has gone since', async () => {
    const kube = running('a1');
    await using scope = new Scope();
    const { lines, others, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    kube.start();
    kube.print(at(5000), 'b1');
    await until(() => lines.length === 2);
    kube.keepsPrevious = false;
    kube.show('running');
    kube.endStreams();
    const asked = kube.asked.length;
    while (!kube.asked.slice(asked).some(({ follow }) => follow)) await new Promise(setImmediate);
    kube.print(at(5001), 'b2');
    await until(() => lines.length === 3);
    assert.deepEqual(lines, ['a1', 'b1', 'b2']);
    assert.deepEqual(gapsOf(others), []);
  });

  it('never takes what a cut left of the first line for all of it, though the log of the next run is empty', async () => {
    const kube = running('a1');
    kube.cutAt(Buffer.byteLength(`${at(0)} a`));
    await using scope = new Scope();
    const { lines, others, until, view } = follow(scope, kube);
    await view.synced;
    while (kube.asked.length === 0 || kube.open > 0) await new Promise(setImmediate);
    kube.end();
    kube.show('terminated');
    kube.start();
    const asked = () => kube.asked.filter(({ follow }) => !follow).length;
    while (asked() < 2 || kube.open > 0) await new Promise(setImmediate);
    kube.show('running');
    kube.print(at(5000), 'b1');
    await until(() => lines.length === 2);
    assert.deepEqual(lines, ['a1', 'b1']);
    assert.deepEqual(gapsOf(others), []);
  });

  it('tells the last words that it has read of a run whose log is gone before it could be read to its end', async () => {
    const kube = running('a1');
    kube.print(at(1), 'the end', '');
    await using scope = new Scope();
    const { lines, others, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    // Under the old run the log of the next one is met, and the log of the run before can't be had at once.
    const cuts = [undefined, 0];
    kube.cutAfter = () => {
      if (cuts.length !== 1) return cuts.shift();
      kube.keepsPrevious = false;
      kube.show('running');
      return cuts.shift();
    };
    kube.start();
    kube.print(at(5000), 'b1');
    await until(() => lines.length === 3);
    assert.deepEqual(lines, ['a1', 'the end', 'b1']);
    assert.deepEqual(gapsOf(others), [[at(1), at(5000)]]);
  });

  it('keeps what it has read of an unfinished line through a cut before it', async () => {
    const kube = running('a1', 'a2');
    kube.print(at(2), 'the end', '');
    await using scope = new Scope();
    const { lines, others, until } = follow(scope, kube);
    await until(() => lines.length === 2);
    kube.cutAt(Buffer.byteLength(`${at(0)} a1\n${at(1)} a`));
    const asked = kube.asked.length;
    kube.endStreams();
    while (kube.asked.length < asked + 1 || kube.open > 0) await new Promise(setImmediate);
    kube.gone();
    await until(() => others.length > 0);
    assert.deepEqual(lines, ['a1', 'a2', 'the end']);
    assert.deepEqual(gapsOf(others), [[at(2), undefined]]);
  });

  it('gives every run of a crashing container its lines, and none twice', async () => {
    const kube = new PrintingKube();
    kube.show('waiting');
    await using scope = new Scope();
    const { lines, until } = follow(scope, kube);
    for (let run = 0; run < 3; run++) {
      kube.start();
      kube.print(at(run * 3000), `start ${run}`);
      kube.show('running');
      await until(() => lines.length === run * 2 + 1);
      kube.print(at(run * 3000 + 10), `crash ${run}`);
      kube.end();
      kube.show(run === 1 ? 'waiting' : 'terminated');
      await until(() => lines.length === run * 2 + 2);
    }
    assert.deepEqual(lines, ['start 0', 'crash 0', 'start 1', 'crash 1', 'start 2', 'crash 2']);
  });

  it('tells a run that crashed before the pod was first seen to have a container, of a pod that is new', async () => {
    const kube = new PrintingKube();
    await using scope = new Scope();
    const { lines, until, view } = follow(scope, kube);
    await view.synced;
    await new Promise(setImmediate);
    kube.start();
    kube.print(at(0), 'cannot find module');
    kube.start();
    kube.print(at(1000), 'second try');
    kube.show('running');
    await until(() => lines.length === 2);
    assert.deepEqual(lines, ['cannot find module', 'second try']);
  });

  it('tells the times between which lines are lost for good', async () => {
    const kube = running('a1');
    await using scope = new Scope();
    const { lines, others, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    // The file was rotated: the log of the same run now begins later.
    kube.runs[0]?.lines.splice(0);
    kube.print(at(60_000), 'z1');
    kube.endStreams();
    await until(() => others.length > 0 && lines.length === 2);
    assert.deepEqual(others[0], {
      type: 'log.gap',
      source: 'web-0',
      namespace: 'storm',
      pod: 'web-0',
      container: 'main',
      from: at(0),
      to: at(60_000),
    });
    assert.deepEqual(lines, ['a1', 'z1']);
  });

  it('tells the beginning of a line that was cut off before a gap, and then the gap', async () => {
    const kube = running('a1');
    kube.print(at(5), 'a line in two fi', '');
    await using scope = new Scope();
    const { lines, others, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    kube.runs[0]?.lines.splice(0);
    kube.print(at(60_000), 'les');
    kube.endStreams();
    await until(() => others.length > 0 && lines.length === 3);
    assert.deepEqual(lines, ['a1', 'a line in two fi', 'les']);
    assert.deepEqual(gapsOf(others), [[at(5), at(60_000)]]);
  });

  it('tells a gap in a later run too, though the log of an earlier one is there and whole', async () => {
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(0), 'a1');
    kube.start();
    kube.print(at(5000), 'b1');
    kube.show('running');
    await using scope = new Scope();
    const { lines, others, until } = follow(scope, kube, { start: { tailLines: 10 } });
    await until(() => lines.length === 1);
    kube.runs[1]?.lines.splice(0);
    kube.print(at(60_000), 'b9');
    kube.endStreams();
    await until(() => lines.length === 2);
    assert.deepEqual(lines, ['b1', 'b9']);
    assert.deepEqual(gapsOf(others), [[at(5000), at(60_000)]]);
  });

  it('tells no gap between the runs of a container that crashes without a word', async () => {
    const kube = running('a1');
    await using scope = new Scope();
    const { lines, others, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    kube.end();
    kube.show('terminated');
    while (kube.open > 0 || kube.asked.length < 3) await new Promise(setImmediate);
    kube.start();
    kube.start();
    kube.print(at(9000), 'c1');
    kube.show('running');
    await until(() => lines.length === 2);
    assert.deepEqual(lines, ['a1', 'c1']);
    assert.deepEqual(gapsOf(others), []);
  });

  it('tells a gap when runs came and went of which the node keeps no log', async () => {
    const kube = running('a1');
    await using scope = new Scope();
    const { lines, others, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    for (let run = 1; run < 4; run++) {
      kube.start();
      kube.print(at(run * 5000), `run ${run}`);
    }
    kube.show('running');
    await until(() => lines.length === 3);
    assert.deepEqual(lines, ['a1', 'run 2', 'run 3']);
    assert.deepEqual(gapsOf(others), [[at(0), at(10_000)]]);
  });

  it('tells a gap without an end when a pod goes while its log is cut off', async () => {
    const kube = running('a1');
    await using scope = new Scope();
    kube.cutAt(Buffer.byteLength(`${at(0)} a1\n`) + 5);
    const { lines, others, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    kube.print(at(5), 'a2, which nobody reads');
    kube.gone();
    await until(() => others.length > 0);
    assert.deepEqual(gapsOf(others), [[at(0), undefined]]);
  });

  it('does not take the log of a new pod for that of the pod whose name it has', async () => {
    const kube = running('old');
    await using scope = new Scope();
    const { lines, until, view } = follow(scope, kube, { sourceOf: (pod) => pod.uid });
    await until(() => lines.length === 1);
    // The view is cut off while the pod is replaced: only the lists of the API server know.
    let release: () => void = () => {};
    const seen = view.pods();
    assert.equal(seen.length, 1);
    kube.runs.splice(0).forEach((run) => {
      run.over = true;
      run.news.emit('news');
    });
    kube.start();
    kube.print(at(9000), 'new');
    const hidden = new Promise<void>((resolve) => {
      release = resolve;
    });
    kube.hideFromWatches(hidden);
    kube.show('running', 'uid-2');
    while (!kube.requests.some(({ query }) => query?.['fieldSelector'] === 'metadata.name=web-0'))
      await new Promise(setImmediate);
    assert.deepEqual(lines, ['old']);
    release();
    await until(() => lines.length === 2);
    assert.deepEqual(lines, ['old', 'new']);
  });

  it('does not tell the log of a new pod twice, whose name a pod had that said nothing', async () => {
    const kube = running();
    await using scope = new Scope();
    const { lines, view } = follow(scope, kube, { sourceOf: (pod) => pod.uid });
    await view.synced;
    while (kube.waiting === 0) await new Promise(setImmediate);
    const release = kube.hide();
    kube.end();
    kube.runs.splice(0);
    kube.start();
    kube.show('running', 'uid-2');
    // The follower of the old pod is the first to read the new one's log, which is silent.
    while (kube.waiting === 0) await new Promise(setImmediate);
    release();
    await view.until((pods) => pods.some(({ uid }) => uid === 'uid-2'), scope.signal);
    while (kube.waiting < 2) await new Promise(setImmediate);
    kube.print(at(9000), 'new');
    while (kube.open > 1 || lines.length === 0) await new Promise(setImmediate);
    kube.print(at(9001), 'newer');
    while (lines.length < 2) await new Promise(setImmediate);
    assert.deepEqual(lines, ['new', 'newer']);
  });

  it('tells a gap where the log of a run that has ended is refused after a cut', async () => {
    const kube = running('a1');
    await using scope = new Scope();
    kube.cutAt(Buffer.byteLength(`${at(0)} a1\n`) + 5);
    const { lines, others, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    kube.refusals.push(refusal('GET', '/log', 400, 'BadRequest', 'unable to retrieve container logs'));
    const asked = kube.asked.length;
    kube.print(at(5), 'a2, which nobody reads');
    kube.end();
    kube.show('terminated');
    while (kube.asked.length === asked) await new Promise(setImmediate);
    kube.start();
    kube.keepsPrevious = false;
    kube.print(at(5000), 'b1');
    kube.show('running');
    await until(() => lines.length === 2);
    assert.deepEqual(lines, ['a1', 'b1']);
    assert.deepEqual(gapsOf(others), [[at(0), at(5000)]]);
  });

  it('reads the log of a run that has ended again where a busy node refuses it once, next run or not', async () => {
    for (const isNext of [false, true]) {
      const kube = running('a1');
      await using scope = new Scope();
      kube.cutAt(Buffer.byteLength(`${at(0)} a1\n`) + 5);
      const { lines, others, until } = follow(scope, kube);
      await until(() => lines.length === 1);
      kube.refusals.push(refusal('GET', '/log', 400, 'BadRequest', 'unable to retrieve container logs'));
      const asked = kube.asked.length;
      kube.print(at(5), 'a2');
      kube.end();
      kube.show('terminated');
      while (kube.asked.length === asked) await new Promise(setImmediate);
      if (isNext) {
        kube.start();
        kube.print(at(5000), 'b1');
        kube.show('running');
      }
      await until(() => lines.length === (isNext ? 3 : 2));
      assert.deepEqual(lines, ['a1', 'a2', ...(isNext ? ['b1'] : [])]);
      assert.deepEqual(gapsOf(others), []);
    }
  });

  it('tells a gap where nothing was read of a run, and its log is gone when the next one is seen', async () => {
    const kube = running('a1');
    await using scope = new Scope();
    const { lines, others, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    const cuts = [undefined, 0];
    kube.cutAfter = () => cuts.shift();
    kube.start();
    kube.print(at(5000), 'b1, which nobody reads');
    kube.show('running');
    while (cuts.length > 0 || kube.open > 0) await new Promise(setImmediate);
    kube.start();
    kube.keepsPrevious = false;
    kube.print(at(10_000), 'c1');
    kube.show('running');
    await until(() => lines.length === 2);
    assert.deepEqual(lines, ['a1', 'c1']);
    assert.deepEqual(gapsOf(others), [[at(0), at(10_000)]]);
  });

  it('does not tell the beginning of a line that was read as the first of a run, and is of the next', async () => {
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(0), 'a1');
    kube.show('running');
    await using scope = new Scope();
    const { lines, until, view } = follow(scope, kube);
    await view.synced;
    const release = kube.hide();
    kube.cutAt(Buffer.byteLength(`${at(5000)} b`));
    kube.keepsPrevious = false;
    kube.start();
    kube.print(at(5000), 'b1');
    kube.show('running');
    while (kube.asked.length < 1 || kube.open > 0) await new Promise(setImmediate);
    release();
    await until(() => lines.length === 1);
    assert.deepEqual(lines, ['b1']);
  });

  it('says what the kubelet says in place of lines, once, and goes on', async () => {
    const kube = new PrintingKube();
    kube.start();
    kube.runs[0]?.lines.push({
      stamp: '9',
      bytes: Buffer.from('failed to create fsnotify watcher: too many open files\n'),
    });
    kube.show('running');
    await using scope = new Scope();
    const { lines, others, until } = follow(scope, kube);
    await until(() => others.length > 0);
    assert.match(JSON.stringify(others[0]), /no log of web-0\/main: failed to create fsnotify watcher/);
    kube.runs[0]?.lines.splice(0);
    kube.print(at(0), 'works');
    await until(() => lines.length === 1);
    assert.equal(others.length, 1);
    assert.deepEqual(lines, ['works']);
  });

  it('says it, too, where the kubelet ends it with no newline', async () => {
    const kube = new PrintingKube();
    kube.start();
    kube.runs[0]?.lines.push({
      stamp: '9',
      bytes: Buffer.from(`unable to retrieve container logs for ${kube.runs[0]?.id}`),
    });
    kube.show('running');
    await using scope = new Scope();
    const { others } = follow(scope, kube);
    while (others.length === 0) {
      kube.endStreams();
      await new Promise(setImmediate);
    }
    assert.match(JSON.stringify(others[0]), /no log of web-0\/main: unable to retrieve container logs/);
  });

  it('says nothing of the log of a container that another one has replaced', async () => {
    const kube = new PrintingKube();
    kube.start();
    kube.runs[0]?.lines.push({
      stamp: '9',
      bytes: Buffer.from('unable to retrieve container logs for containerd://gone'),
    });
    kube.show('running');
    const reads: unknown[] = [];
    const logs = kube.logs.bind(kube);
    kube.logs = (...args) => {
      reads.push(args);
      return logs(...args);
    };
    await using scope = new Scope();
    const { lines, others, until } = follow(scope, kube);
    while (reads.length < 4) {
      kube.endStreams();
      await new Promise(setImmediate);
    }
    kube.runs[0]?.lines.splice(0);
    kube.print(at(0), 'works');
    await until(() => lines.length === 1);
    assert.deepEqual(others, []);
  });

  it('takes up a running container where `start` says, and the next run from its first line', async () => {
    const kube = running('old 0', 'old 1', 'old 2', 'old 3', 'old 4');
    await using scope = new Scope();
    kube.cutAt(Buffer.byteLength(`${at(3)} old 3\n`) + 3);
    const { lines, until } = follow(scope, kube, { start: { tailLines: 2 } });
    await until(() => lines.length === 2);
    kube.start();
    for (let n = 0; n < 4; n++) kube.print(at(5000 + n), `new ${n}`);
    kube.show('running');
    await until(() => lines.length === 6);
    assert.deepEqual(lines, ['old 3', 'old 4', 'new 0', 'new 1', 'new 2', 'new 3']);
  });

  it('leaves out lines before a start time, to the nanosecond', async () => {
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(200), 'before');
    kube.print(at(250), 'after');
    kube.show('running');
    await using scope = new Scope();
    const { lines, until } = follow(scope, kube, { start: { sinceTime: at(250) } });
    await until(() => lines.length === 1);
    assert.deepEqual(lines, ['after']);
  });

  it('leaves out what the rules exclude, and asks for no log that is left out whole', async () => {
    const kube = running('GET /health 200', 'GET /users 200');
    await using scope = new Scope();
    const health = { service: undefined, container: undefined, match: /GET \/health/g };
    const other = { service: 'other', container: undefined, match: undefined };
    const { lines, until } = follow(scope, kube, { exclude: [health, other] });
    await until(() => lines.length === 1);
    assert.deepEqual(lines, ['GET /users 200']);

    const quiet = running();
    const rule = { service: 'web-0', container: 'main', match: undefined };
    const second = follow(scope, quiet, { exclude: [rule] });
    await second.view.synced;
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    assert.equal(quiet.asked.length, 0);
  });

  it('tells a line over 1 MiB in pieces, each once, when the stream is cut between them', async () => {
    const long = 'x'.repeat(2.5 * 1024 * 1024);
    const kube = running(long, 'after');
    await using scope = new Scope();
    kube.cutAt(1.5 * 1024 * 1024, 2.2 * 1024 * 1024);
    const { lines, until } = follow(scope, kube);
    await until(() => lines.at(-1) === 'after');
    assert.equal(lines.slice(0, -1).join('').length, long.length);
    assert.equal(lines.length, 4);
  });

  it('ends with a Failure when the account may not read logs', async () => {
    const kube = running();
    kube.refusals.push(refusal('GET', '/log', 403, 'Forbidden', 'pods "web-0" is forbidden'));
    await using scope = new Scope();
    const { done } = follow(scope, kube);
    await assert.rejects(done, (error) => error instanceof Failure && error.kind === 'refused');
    assert.equal(kube.open, 0);
  });

  it('closes every stream at the abort, and resolves', async () => {
    const kube = running('a');
    const scope = new Scope();
    const { done, until, lines } = follow(scope, kube);
    await until(() => lines.length === 1);
    assert.equal(kube.open, 1);
    await scope[Symbol.asyncDispose]();
    await done;
    assert.equal(kube.open, 0);
  });
});
