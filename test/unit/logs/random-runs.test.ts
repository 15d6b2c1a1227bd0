import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import { it } from 'node:test';
import { never } from '../../../src/lib/abort.ts';
import { Scope } from '../../../src/lib/scope.ts';
import { wait } from '../../../src/lib/wait.ts';
import { randomOf } from '../../support/random.ts';
import { follow, gapsOf } from './follow.ts';
import { PrintingKube } from './printing-kube.ts';

const seeds = 150;
const usualLines = 40;

interface Play {
  readonly below: (limit: number) => number;
  /** One time in so many. */
  readonly oneIn: (times: number) => boolean;
  readonly pause: (belowMs: number) => Promise<void>;
  readonly kube: PrintingKube;
  /** What the container printed. */
  readonly printed: string[];
  /** The node's clock. */
  clock: number;
}

/** Watches say nothing for a moment: what the cluster has, and what a view of it shows, differ. */
function hide({ kube, pause }: Play): void {
  kube.hideFromWatches(pause(800));
}

/** A run of the container, often over at once, while watches are late and streams end without a word. */
async function playRun(play: Play, run: number): Promise<void> {
  const { below, oneIn, pause, kube, printed } = play;
  const print = (words: string, newline?: string) => {
    const text = `run ${run} ${words}`;
    // The runtime stamps standard output and error on their own.
    const time = new Date(play.clock - (oneIn(5) ? below(20) : 0)).toISOString();
    kube.print(time.replace('Z', `${String(printed.length).padStart(6, '0')}Z`), text, newline);
    printed.push(text);
    if (oneIn(2)) play.clock += below(oneIn(10) ? 900 : 30);
  };
  kube.start();
  if (oneIn(2)) await pause(5);
  kube.show('running');
  if (oneIn(3)) hide(play);
  if (oneIn(2)) await pause(60);
  const lines = oneIn(3) ? below(4) : usualLines;
  for (let line = 0; line < lines; line++) {
    print(`line ${line}`);
    if (oneIn(7)) await pause(25);
    if (oneIn(60)) kube.endStreams();
    if (oneIn(60)) hide(play);
  }
  // A run that says nothing may be over before anybody knows of it, and then something may have been lost.
  if (lines === 0 || oneIn(2)) print('end', '');
  if (oneIn(3)) hide(play);
  kube.end();
  if (oneIn(5)) await pause(300);
  if (!oneIn(3)) kube.show('terminated');
  if (oneIn(2)) await pause(300);
  play.clock += below(oneIn(2) ? 300 : 3000);
}

async function playContainer(seed: number): Promise<void> {
  await using scope = new Scope();
  const below = randomOf(seed);
  const oneIn = (times: number) => below(times) === 0;
  const pause = (belowMs: number) => wait(below(belowMs), never);
  const kube = new PrintingKube();
  const play = { below, oneIn, pause, kube, printed: [], clock: Date.parse('2026-01-01T00:00:09.900Z') } as Play;
  const cutPercent = below(60);
  kube.cutAfter = () => (below(100) < cutPercent ? below(oneIn(3) ? 60 : 1500) : undefined);
  const { lines, others, until } = follow(scope, kube);
  if (oneIn(2)) kube.show('waiting');
  await playRun(play, 0);
  const { length } = play.printed;
  await playRun(play, 1);
  // A node keeps one log of a container that is over; with a line of the second run the first one was told.
  kube.keepsPrevious = lines.length <= length || oneIn(2);
  kube.show('terminated');
  await until(() => lines.length >= play.printed.length);
  // What would be told twice comes before the first line of the next run.
  kube.start();
  kube.keepsPrevious = true;
  kube.show('running');
  kube.print('2026-01-01T01:00:00.000000000Z', 'the next run');
  play.printed.push('the next run');
  await until(() => lines.at(-1) === 'the next run');
  assert.deepEqual(lines, play.printed);
  assert.deepEqual(gapsOf(others), []);
}

it(`tells two runs of a container whole, in order and once, whatever breaks: seeds 1 to ${seeds}`, {
  timeout: 120_000,
}, async () => {
  setMaxListeners(0, never);
  const seedsOf = Array.from({ length: seeds }, (_, index) => index + 1);
  await Promise.all(
    seedsOf.map((seed) =>
      playContainer(seed).catch((cause: unknown) => {
        throw new Error(`seed ${seed}: ${String(cause)}`, { cause });
      }),
    ),
  );
});
