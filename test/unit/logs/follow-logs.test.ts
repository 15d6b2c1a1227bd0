import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import { Scope } from '../../../src/lib/scope.ts';
import { followLogs } from '../../../src/logs/follow-logs.ts';
import type { FollowLogsOptions } from '../../../src/logs/follow-logs.ts';
import { Mask } from '../../../src/lib/mask.ts';
import { openPodView } from '../../../src/pods/pod-view.ts';
import { refusal } from '../../support/fake-kube.ts';
import { PrintingKube } from './printing-kube.ts';

/** A stamp `ms` after a fixed moment just before a full second; `nano` tells lines of one millisecond apart. */
function at(ms: number, nano = 0): string {
  const time = new Date(Date.parse('2026-01-01T00:00:09.900Z') + ms).toISOString();
  return time.replace('Z', `${String(nano).padStart(6, '0')}Z`);
}

/** Follows `kube` until the scope ends; `lines` and `others` are what was reported. */
function follow(scope: Scope, kube: PrintingKube, options: Partial<FollowLogsOptions> = {}) {
  const lines: string[] = [];
  const others: Report[] = [];
  const waiting: { readonly holds: () => boolean; readonly resolve: () => void }[] = [];
  const report = (each: Report) => {
    if (each.type === 'log') lines.push(each.line);
    else others.push(each);
    for (const { holds, resolve } of waiting) if (holds()) resolve();
  };
  const view = scope.own(
    openPodView({ kube, namespaces: ['storm'], labelSelector: 'stormctl.dev/project=p', signal: scope.signal }),
  );
  const done = followLogs({
    kube,
    view,
    report,
    sourceOf: (pod) => pod.workload.name,
    start: 'all',
    exclude: [],
    mask: new Mask(),
    drained: () => undefined,
    signal: scope.signal,
    ...options,
  });
  done.catch(() => {});
  scope.own(
    async () => done.catch(() => {}),
    (end) => end(),
  );
  const until = (holds: () => boolean) =>
    holds() ? Promise.resolve() : new Promise<void>((resolve) => void waiting.push({ holds, resolve }));
  return { view, lines, others, done, until };
}

function gapsOf(reports: readonly Report[]) {
  return reports.flatMap((report) => (report.type === 'log.gap' ? [[report.from, report.to]] : []));
}

describe('followLogs', { timeout: 30_000 }, () => {
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
      const cuts = [cut];
      kube.cutAfter = () => cuts.shift();
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
    const kube = new PrintingKube();
    kube.start();
    kube.show('running');
    await using scope = new Scope();
    let budget = 60;
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
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(0), 'a');
    kube.show('running');
    await using scope = new Scope();
    const { lines, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    kube.endStreams();
    kube.print(at(1), 'b');
    await until(() => lines.length === 2);
    assert.deepEqual(lines, ['a', 'b']);
  });

  it('reads nothing more while what it told waits to be read, and then goes on where it was', async () => {
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(0), 'a');
    kube.show('running');
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
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(0), 'a');
    kube.show('running');
    const scope = new Scope();
    const { lines, until, done } = follow(scope, kube, { drained: () => new Promise(() => {}) });
    await until(() => lines.length === 1);
    await scope[Symbol.asyncDispose]();
    await done;
    assert.equal(kube.open, 0);
  });

  it('opens a stream anew that is silent while the log goes on', async () => {
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(0), 'a');
    kube.show('running');
    await using scope = new Scope();
    const { lines, until } = follow(scope, kube, { doubt: { quietMs: 5, floodMs: 5, graceMs: 5, answerMs: 10_000 } });
    await until(() => lines.length === 1);
    kube.stalls = true;
    kube.print(at(1), 'b');
    await until(() => lines.length === 2);
    assert.deepEqual(lines, ['a', 'b']);
  });

  it('opens a stream anew that follows a file which is the log no more, and tells no gap', async () => {
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(0), 'a');
    kube.show('running');
    await using scope = new Scope();
    const { lines, others, until } = follow(scope, kube, {
      doubt: { quietMs: 5, floodMs: 5, graceMs: 5, answerMs: 10_000 },
    });
    await until(() => lines.length === 1);
    kube.stalls = true;
    kube.runs[0]?.lines.splice(0);
    while (kube.asked.filter((request) => request.follow).length < 2) await new Promise(setImmediate);
    kube.print(at(60_000), 'b');
    await until(() => lines.length === 2);
    assert.deepEqual(lines, ['a', 'b']);
    assert.deepEqual(gapsOf(others), []);
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
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(0), 'a1');
    kube.show('running');
    await using scope = new Scope();
    const cuts = [Buffer.byteLength(`${at(0)} a1\n`) + 5];
    kube.cutAfter = () => cuts.shift();
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
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(0), 'a1');
    kube.show('running');
    await using scope = new Scope();
    const cuts = [Buffer.byteLength(`${at(0)} a1\n`) + 5];
    kube.cutAfter = () => cuts.shift();
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
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(0), 'a1');
    kube.show('running');
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
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(0), 'a1');
    kube.show('running');
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
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(0), 'a1');
    kube.show('running');
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
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(0), 'a1');
    kube.show('running');
    await using scope = new Scope();
    const cuts = [Buffer.byteLength(`${at(0)} a1\n`) + 5];
    kube.cutAfter = () => cuts.shift();
    const { lines, others, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    kube.print(at(5), 'a2, which nobody reads');
    kube.gone();
    await until(() => others.length > 0);
    assert.deepEqual(gapsOf(others), [[at(0), undefined]]);
  });

  it('does not take the log of a new pod for that of the pod whose name it has', async () => {
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(0), 'old');
    kube.show('running');
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
      bytes: Buffer.from('unable to retrieve container logs for containerd://1'),
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

  it('takes up a running container where `start` says, and the next run from its first line', async () => {
    const kube = new PrintingKube();
    kube.start();
    for (let n = 0; n < 5; n++) kube.print(at(n), `old ${n}`);
    kube.show('running');
    await using scope = new Scope();
    const cuts = [Buffer.byteLength(`${at(3)} old 3\n`) + 3];
    kube.cutAfter = () => cuts.shift();
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
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(0), 'GET /health 200');
    kube.print(at(1), 'GET /users 200');
    kube.show('running');
    await using scope = new Scope();
    const health = { service: undefined, container: undefined, match: /GET \/health/g };
    const other = { service: 'other', container: undefined, match: undefined };
    const { lines, until } = follow(scope, kube, { exclude: [health, other] });
    await until(() => lines.length === 1);
    assert.deepEqual(lines, ['GET /users 200']);

    const quiet = new PrintingKube();
    quiet.start();
    quiet.show('running');
    const rule = { service: 'web-0', container: 'main', match: undefined };
    const second = follow(scope, quiet, { exclude: [rule] });
    await second.view.synced;
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    assert.equal(quiet.asked.length, 0);
  });

  it('tells a line over 1 MiB in pieces, each once, when the stream is cut between them', async () => {
    const kube = new PrintingKube();
    const long = 'x'.repeat(2.5 * 1024 * 1024);
    kube.start();
    kube.print(at(0), long);
    kube.print(at(1), 'after');
    kube.show('running');
    await using scope = new Scope();
    const cuts = [1.5 * 1024 * 1024, 2.2 * 1024 * 1024];
    kube.cutAfter = () => cuts.shift();
    const { lines, until } = follow(scope, kube);
    await until(() => lines.at(-1) === 'after');
    assert.equal(lines.slice(0, -1).join('').length, long.length);
    assert.equal(lines.length, 4);
  });

  it('ends with a Failure when the account may not read logs', async () => {
    const kube = new PrintingKube();
    kube.start();
    kube.show('running');
    kube.refusals.push(refusal('GET', '/log', 403, 'Forbidden', 'pods "web-0" is forbidden'));
    await using scope = new Scope();
    const { done } = follow(scope, kube);
    await assert.rejects(done, (error) => error instanceof Failure && error.kind === 'unreachable');
    assert.equal(kube.open, 0);
  });

  it('closes every stream at the abort, and resolves', async () => {
    const kube = new PrintingKube();
    kube.start();
    kube.print(at(0), 'a');
    kube.show('running');
    const scope = new Scope();
    const { done, until, lines } = follow(scope, kube);
    await until(() => lines.length === 1);
    assert.equal(kube.open, 1);
    await scope[Symbol.asyncDispose]();
    await done;
    assert.equal(kube.open, 0);
  });
});
