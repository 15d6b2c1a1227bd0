import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Report } from '../../src/events.ts';
import { labServer, wayThrough } from '../support/cluster-door.ts';
import { kubectl, lab, testNamespace } from '../support/lab.ts';
import { randomOf } from '../support/random.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const seed = Number(process.env['STORMCTL_SEED'] ?? 1);

describe('log lines, each once and in order', { skip: lab.skip, concurrency: true, timeout: 400_000 }, () => {
  test('through a network that cuts, stalls and delays at random for two minutes', async (t) => {
    t.diagnostic(`STORMCTL_SEED=${seed}`);
    const lines = 50_000;
    await using namespace = await testNamespace('t-log-faults');
    await using proxy = await TcpProxy.listen({ to: (await labServer()).port, seed, jitterMs: 2 });
    await using way = await wayThrough(proxy.port);
    await using follow = new Follow(namespace.name, way.env);
    const pods = ['a', 'b', 'c', 'd'];
    // Some two minutes: 400 lines, then a breath.
    const script = `BEGIN { for (n = 0; n < ${lines}; n++) { printf "line %d\\n", n; if (n % 400 == 399) { fflush(); system("sleep 0.85") } } }`;
    for (const pod of pods) await print(namespace.name, pod, `awk '${script}'`);
    let isOver = false;
    const faults = disturb(proxy, () => isOver);
    await follow.until(() => pods.every((pod) => follow.count(pod) >= lines));
    isOver = true;
    const cuts = await faults;
    await follow.settle();
    assert.deepEqual(follow.wrong, []);
    for (const pod of pods) assert.equal(follow.count(pod), lines, pod);
    assert.ok(cuts > 20, `only ${cuts} cuts`);
    assert.ok(follow.others.some(({ type }) => type === 'log.recovered'));
    assert.deepEqual(
      follow.others.filter(({ type }) => type === 'log.gap' || type === 'failed'),
      [],
    );
  });

  test('of a container whose log its node rotates again and again, but for what it is said to have lost', async (t) => {
    const lines = 250_000;
    await using namespace = await testNamespace('t-log-flood');
    await using follow = new Follow(namespace.name, { KUBECONFIG: lab.kubeconfig });
    // A node looks every ten seconds for logs that are too big, and keeps a few old ones.
    const script = `BEGIN { for (n = 0; n < ${lines}; n++) { printf "line %d${sentence}\\n", n; if (n % 1000 == 999) { fflush(); system("sleep 0.05") } } }`;
    await print(namespace.name, 'flood', `awk '${script}'`);
    // A kubelet on a loaded node may stop following at a rotation and drop a file that nobody has read.
    const lostEnd = () => follow.others.some((each) => each.type === 'log.gap' && each.to === undefined);
    await follow.until(() => follow.count('flood') >= lines || lostEnd());
    await follow.settle();
    t.diagnostic(`${follow.missing} lines lost and said to be`);
    assert.deepEqual(follow.wrong, []);
    if (!lostEnd()) assert.equal(follow.count('flood'), lines);
    const kept = await kubectl(['logs', '-n', namespace.name, 'flood', '--limit-bytes=30']);
    assert.doesNotMatch(kept, /^line 0 /, 'the log was never rotated');
  });

  test('through a proxy that cuts every stream every two seconds, from the first one on', async () => {
    const lines = 10_000;
    await using namespace = await testNamespace('t-log-cuts');
    await using proxy = await TcpProxy.listen({ to: (await labServer()).port });
    await using way = await wayThrough(proxy.port);
    const timer = setInterval(() => proxy.cut(), 2000);
    try {
      await using follow = new Follow(namespace.name, way.env);
      const script = `BEGIN { for (n = 0; n < ${lines}; n++) { printf "line %d\\n", n; if (n % 100 == 99) { fflush(); system("sleep 0.1") } } }`;
      await print(namespace.name, 'steady', `awk '${script}'`);
      await follow.until(() => follow.count('steady') >= lines);
      await follow.settle();
      assert.deepEqual(follow.wrong, []);
      assert.equal(follow.count('steady'), lines);
      await using whole = new Follow(namespace.name, way.env, ['--no-follow']);
      await whole.ended;
      assert.deepEqual(whole.wrong, []);
      assert.equal(whole.count('steady'), lines);
    } finally {
      clearInterval(timer);
    }
  });
});

/** Breaks what goes through a proxy, the same way for the same seed, until it is over. @returns how often it cut. */
async function disturb(proxy: TcpProxy, isOver: () => boolean): Promise<number> {
  const below = randomOf(seed);
  let cuts = 0;
  while (!isOver()) {
    await delay(200 + below(1800));
    const kind = below(10);
    if (kind >= 8) {
      proxy.stall();
      await delay(300 + below(2500));
      proxy.resume();
      continue;
    }
    cuts++;
    if (kind < 6) proxy.cut();
    else proxy.cutAfter(1 + below(50_000));
  }
  return cuts;
}

async function print(namespace: string, name: string, command: string): Promise<void> {
  const container = { name: 'main', image: 'alpine', imagePullPolicy: 'IfNotPresent' };
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: 'numbers' } },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ ...container, command: ['sh', '-c', `${command}; sleep 100000`] }],
    },
  };
  await kubectl(['apply', '-n', namespace, '-f', '-'], JSON.stringify(pod));
}

const sentence = ' of a flood that fills the log of its node in no time at all';

/**
 * `stormctl logs` of pods that number their lines, looked at line by line and not kept. A node that begins a new file may
 * cut a line in two: where a gap is said, the line before it may lack its end, and the one behind it its beginning.
 */
class Follow implements AsyncDisposable {
  /** Lines that were not the next one of their pod, but for those at a gap. */
  readonly wrong: string[] = [];
  /** Lines that were said to be lost, and are. */
  missing = 0;
  readonly others: Report[] = [];
  readonly #child;
  readonly #next = new Map<string, number>();
  /** Pods of which a gap was said, and whether a line without its beginning came behind it. */
  readonly #gaps = new Map<string, boolean>();
  /** Of each pod the last line, if it is only right when a gap follows. */
  readonly #torn = new Map<string, string>();
  readonly ended: Promise<void>;
  #look: () => void = () => {};
  #isEnded = false;

  constructor(namespace: string, env: { readonly KUBECONFIG: string }, more: readonly string[] = []) {
    const args = ['logs', '-n', namespace, '-l', 'app=numbers', '--tail', '-1', '-o', 'json', ...more];
    this.#child = spawn(process.execPath, [resolve('bin/stormctl.js'), ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.ended = once(this.#child, 'close').then(() => {
      this.#isEnded = true;
      for (const pod of this.#torn.keys()) this.#refuse(pod);
      this.#look();
    });
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const report = JSON.parse(line) as Report;
      if (report.type === 'log') this.#take(report.pod, report.line);
      else this.others.push(report);
      if (report.type === 'log.gap') {
        this.#gaps.set(report.pod, false);
        this.#torn.delete(report.pod);
      }
      this.#look();
    });
  }

  /** How many lines of a pod came in their order. */
  count(pod: string): number {
    return this.#next.get(pod) ?? 0;
  }

  until(holds: () => boolean): Promise<void> {
    return new Promise((found, reject) => {
      this.#look = () => {
        if (holds() || this.wrong.length > 0) found();
        else if (this.#isEnded) reject(new Error('stormctl has ended'));
      };
    });
  }

  /** Until what might come twice has come. */
  async settle(): Promise<void> {
    await delay(1000);
    this.#child.kill('SIGINT');
    await this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isEnded) this.#child.kill('SIGKILL');
    await this.ended;
  }

  #take(pod: string, line: string): void {
    this.#refuse(pod);
    const next = this.count(pod);
    const [, digits, rest = ''] = /^line (\d+)(.*)$/.exec(line) ?? [];
    const number = rest === '' || rest === sentence ? Number(digits) : Number.NaN;
    const hasFragment = this.#gaps.get(pod);
    if (number === next || (hasFragment !== undefined && number > next)) {
      this.missing += number - next;
      this.#next.set(pod, number + 1);
      this.#gaps.delete(pod);
    } else if (hasFragment === false && Number.isNaN(number) && sentence.endsWith(line.replace(/^.*?(?= of )/, '')))
      this.#gaps.set(pod, true);
    else this.#torn.set(pod, line);
  }

  /** What was held back of a pod was not before a gap. */
  #refuse(pod: string): void {
    const line = this.#torn.get(pod);
    this.#torn.delete(pod);
    if (line !== undefined && this.wrong.length < 20) this.wrong.push(`${pod}: ${line} in place of ${this.count(pod)}`);
  }
}
