// Loaded before a test file by `npm test -- unit --shake SEED`: a machine on which nothing comes at the usual moment. Answers of
// the file system come late and overtake one another, clocks move in steps, and what a socket brings comes in pieces. A test that
// fails here, or code, counts on a machine's habits. Elapsed times are longer by some milliseconds for each answer.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';

const { setTimeout: later, setImmediate: soon } = globalThis;
const seed = `${process.env.STORMCTL_TEST_SHAKE} ${process.argv[1]?.replace(/^.*test-\d+/, '')}`;
let state = createHash('sha256').update(seed).digest().readUInt32LE();

/** mulberry32. */
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

/** Where nothing is late, more falls into one step of the clock. */
const isSwift = random() < 0.3;

/** Mostly nothing, often a turn of the loop, now and then what a busy disk takes. */
async function pause() {
  const dice = isSwift ? 0 : random();
  if (dice < 0.5) return;
  if (dice < 0.75) await new Promise((resolve) => soon(resolve));
  else await new Promise((resolve) => later(resolve, dice < 0.98 ? random() * 4 : random() * 60));
}

function late(call) {
  return async function (...args) {
    await pause();
    try {
      return await call.apply(this, args);
    } finally {
      await pause();
    }
  };
}

for (const [name, call] of Object.entries(fs.promises))
  if (typeof call === 'function' && name !== 'watch') fs.promises[name] = late(call);
const handle = await fs.promises.open(process.execPath);
const handles = Object.getPrototypeOf(handle);
for (const name of ['read', 'stat', 'sync', 'truncate']) handles[name] = late(handles[name]);
await handle.close();
syncBuiltinESMExports();

// As the clocks of virtual machines and of Windows.
const stepMs = [1, 4, 16][Math.floor(random() * 3)];
const now = Date.now;
const step = () => Math.floor(now() / stepMs) * stepMs;
globalThis.Date = class Date extends globalThis.Date {
  constructor(...args) {
    super(...(args.length === 0 ? [step()] : args));
  }
  static now() {
    return step();
  }
};

const { push } = Socket.prototype;
Socket.prototype.push = function (chunk, encoding) {
  if (!Buffer.isBuffer(chunk) || chunk.length < 2 || random() < 0.6) return push.call(this, chunk, encoding);
  const at = 1 + Math.floor(random() * (chunk.length - 1));
  push.call(this, chunk.subarray(0, at), encoding);
  return push.call(this, chunk.subarray(at), encoding);
};
