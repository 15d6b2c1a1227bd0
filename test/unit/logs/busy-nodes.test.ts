import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Scope } from '../../../src/lib/scope.ts';
import { wait } from '../../../src/lib/wait.ts';
import { mostRefusals } from '../../../src/logs/end-of-run.ts';
import { refusal } from '../../support/fake-kube.ts';
import { at, follow, gapsOf, running } from './follow.ts';
import type { PrintingKube } from './printing-kube.ts';

const refused = () => refusal('GET', '/log', 400, 'BadRequest', 'unable to retrieve container logs');
const turn = () => new Promise(setImmediate);

/** A run's log gives the kubelet's words instead of lines. */
function loseLog(kube: PrintingKube): void {
  const run = kube.runs.at(-1);
  run?.lines.splice(0, Number.POSITIVE_INFINITY, {
    stamp: '9',
    bytes: Buffer.from(`unable to retrieve container logs for ${run.id}`),
  });
}

/** The next log of a run before another one is refused once. */
function refusePreviousOnce(kube: PrintingKube): void {
  const logs = kube.logs.bind(kube);
  let isRefused = false;
  kube.logs = (request, signal) => {
    if (request.previous && !isRefused) kube.refusals.push(refused());
    isRefused ||= request.previous === true;
    return logs(request, signal);
  };
}

describe('followLogs where nodes are busy, or have no log any more', { timeout: 60_000 }, () => {
  for (const way of ['as an error', 'in place of lines'])
    it(`tells the last words that were read of a run whose log is refused when it is over, ${way}`, async () => {
      const kube = running('a1');
      kube.print(at(1), 'bye', '');
      await using scope = new Scope();
      const { lines, others, until } = follow(scope, kube);
      await until(() => lines.length === 1);
      kube.end();
      if (way === 'as an error') kube.refusals.push(...Array.from({ length: 50 }, refused));
      else loseLog(kube);
      kube.show('terminated');
      await until(() => lines.length === 2);
      assert.deepEqual(lines, ['a1', 'bye']);
      assert.deepEqual(gapsOf(others), []);
    });

  it('tells the last words that were read of the run before, whose log is gone, and the gap', async () => {
    const kube = running('a1');
    kube.print(at(1), 'the end', '');
    await using scope = new Scope();
    const { lines, others, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    loseLog(kube);
    kube.start();
    kube.print(at(5000), 'b1');
    kube.show('running');
    await until(() => lines.includes('b1'));
    assert.deepEqual(lines, ['a1', 'the end', 'b1']);
    assert.deepEqual(gapsOf(others), [[at(1), at(5000)]]);
  });

  it('tells what a cut left of the last words of a run, when its log is refused, at once, and the gap with its pod', async () => {
    const kube = running('a1');
    kube.print(at(1), 'fatal: no such', '');
    kube.cutAt(Buffer.byteLength(`${at(0)} a1\n${at(1)} fatal:`));
    await using scope = new Scope();
    const { lines, others, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    kube.refusals.push(...Array.from({ length: 50 }, refused));
    kube.end();
    kube.show('terminated');
    await until(() => lines.length === 2);
    assert.deepEqual(lines, ['a1', 'fatal:']);
    kube.gone();
    await until(() => gapsOf(others).length > 0);
    assert.deepEqual(gapsOf(others), [[at(1), undefined]]);
  });

  it('asks once for the log of a run that was told, and tells a gap where a pod goes before its last run was read', async () => {
    const kube = running('a1');
    await using scope = new Scope();
    const { lines, others, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    kube.end();
    kube.show('terminated');
    while (kube.open > 0 || kube.asked.length < 3) await turn();
    kube.keepsPrevious = false;
    kube.start();
    kube.show('running');
    while (kube.waiting === 0) await turn();
    assert.equal(kube.asked.filter(({ previous }) => previous).length, 1);
    kube.print(at(5000), 'b1');
    await until(() => lines.length === 2);
    // Its stream ends with it, and the next run is in the view before that is asked about.
    kube.start();
    kube.print(at(9000), 'c1, which nobody reads');
    kube.show('running');
    while (kube.asked.filter(({ previous }) => previous).length < 2) await turn();
    kube.gone();
    await until(() => gapsOf(others).length > 0);
    assert.deepEqual(lines, ['a1', 'b1']);
    assert.deepEqual(gapsOf(others), [[at(5000), undefined]]);
  });

  it('tells no line again that a cut had left unfinished, and that came whole before one with an older stamp', async () => {
    const kube = running('a1');
    kube.print(at(5), 'half done');
    kube.cutAt(
      Buffer.byteLength(`${at(0)} a1\n${at(5)} half`),
      Buffer.byteLength(`${at(0)} a1\n${at(5)} half done\n${at(4)} err\n`),
    );
    await using scope = new Scope();
    const { lines, others, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    kube.print(at(4), 'err');
    await until(() => lines.length === 3);
    while (kube.open > 0) await turn();
    kube.gone();
    await until(() => gapsOf(others).length > 0);
    assert.deepEqual(lines, ['a1', 'half done', 'err']);
  });

  it('keeps an unfinished line through a cut inside the first line of the stream that takes it up', async () => {
    const kube = running('a1', 'a2');
    kube.print(at(2), 'the end', '');
    await using scope = new Scope();
    const { lines, others, until } = follow(scope, kube);
    await until(() => lines.length === 2);
    kube.cutAt(5);
    const asked = kube.asked.length;
    kube.endStreams();
    while (kube.asked.length === asked || kube.open > 0) await turn();
    kube.gone();
    await until(() => others.length > 0);
    assert.deepEqual(lines, ['a1', 'a2', 'the end']);
  });

  it('tells no gap where a log that was refused for long is whole when the next run begins', async () => {
    const kube = running('a1');
    await using scope = new Scope();
    kube.cutAt(Buffer.byteLength(`${at(0)} a1\n`) + 5);
    const { lines, others, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    kube.refusals.push(...Array.from({ length: mostRefusals }, refused));
    kube.print(at(5), 'a2');
    kube.end();
    kube.show('terminated');
    while (kube.refusals.length > 0 || kube.open > 0) await turn();
    kube.start();
    kube.print(at(5000), 'b1');
    kube.show('running');
    await until(() => lines.includes('b1'));
    assert.deepEqual(lines, ['a1', 'a2', 'b1']);
    assert.deepEqual(gapsOf(others), []);
  });

  for (const isLate of [false, true])
    it(`asks again for the log of the run before where it is refused once${isLate ? ', and the view is late' : ''}`, async () => {
      const kube = running('a1');
      refusePreviousOnce(kube);
      await using scope = new Scope();
      kube.cutAt(Buffer.byteLength(`${at(0)} a1\n`) + 5);
      const { lines, others, until } = follow(scope, kube);
      await until(() => lines.length === 1);
      const release = isLate ? kube.hide() : () => {};
      kube.print(at(5), 'a2');
      kube.start();
      kube.print(at(600), 'b1');
      kube.show('running');
      await until(() => lines.includes('b1'));
      release();
      kube.endStreams();
      kube.print(at(601), 'b2');
      await until(() => lines.includes('b2'));
      assert.deepEqual(lines, ['a1', 'a2', 'b1', 'b2']);
      assert.deepEqual(gapsOf(others), []);
    });

  it('tells one gap and not two where the log of the run before is gone, and the view is late', async () => {
    const kube = running('a1');
    await using scope = new Scope();
    kube.cutAt(Buffer.byteLength(`${at(0)} a1\n`) + 5);
    const { lines, others, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    const release = kube.hide();
    kube.print(at(5), 'a2, which nobody reads');
    kube.start();
    kube.keepsPrevious = false;
    kube.print(at(5000), 'b1');
    kube.show('running');
    await until(() => lines.includes('b1'));
    const asked = kube.asked.length;
    release();
    kube.endStreams();
    // The view shows the run: the log of the one before is looked for once more, and then this one's is followed.
    const isFollowed = () => kube.waiting > 0 && kube.asked.slice(asked).some(({ previous }) => previous);
    while (!isFollowed()) await turn();
    kube.print(at(5001), 'b2');
    await until(() => lines.includes('b2'));
    assert.deepEqual(lines, ['a1', 'b1', 'b2']);
    assert.deepEqual(gapsOf(others), [[at(0), at(5000)]]);
  });

  it('does not take a run that could not be read for told because the log of the next one is empty', async () => {
    const kube = running('z1');
    await using scope = new Scope();
    const { lines, others, until } = follow(scope, kube);
    await until(() => lines.length === 1);
    kube.end();
    kube.show('terminated');
    while (kube.open > 0 || kube.asked.length < 3) await turn();
    const ofLast = () => kube.asked.filter(({ previous }) => !previous).length;
    kube.cutAfter = () => (kube.asked.at(-1)?.previous ? undefined : 0);
    let before = ofLast();
    kube.start();
    kube.print(at(5000), 'a1');
    kube.end();
    kube.show('terminated');
    while (ofLast() === before || kube.open > 0) await turn();
    const release = kube.hide();
    kube.start();
    kube.show('running');
    kube.cutAfter = () => undefined;
    before = ofLast();
    while (ofLast() < before + 2 || kube.open > 0) await turn();
    kube.start();
    kube.print(at(20_000), 'c1');
    kube.show('running');
    release();
    await until(() => lines.includes('c1'));
    assert.deepEqual(lines, ['z1', 'c1']);
    assert.deepEqual(gapsOf(others), [[at(0), at(20_000)]]);
  });

  for (const message of ['', 'failed to create fsnotify watcher: too many open files\n'])
    it(`does not ask all the time for a log whose streams end at once${message && ', with a message'}`, async () => {
      const kube = running('a1');
      let count = 0;
      kube.logs = async function* (_request, signal) {
        count++;
        await wait(120, signal);
        yield Buffer.from(`${at(0)} a1\n${message}`);
        return undefined;
      };
      await using scope = new Scope();
      follow(scope, kube);
      // How often in a time is what this is about.
      await wait(2500, undefined);
      assert.ok(count <= 7, `asked ${count} times in two and a half seconds`);
    });
});
