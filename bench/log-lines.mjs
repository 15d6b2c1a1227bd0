// npm run bench:lines: how many log lines a second a terminal with colours formats, of the processor time of one core: no
// cluster, and nothing is read. Plain lines, lines with colours of their own, and lines of JSON that are folded; then how long
// it takes to measure one line of emoji, of 100 kB and of 1 MB.
import { rmSync } from 'node:fs';
import { Writable } from 'node:stream';
import { build } from 'esbuild';

const lines = 50_000;
const rounds = 6;
const kinds = {
  plain: (n) => `line ${n} of a program that prints numbers and words for a while`,
  coloured: (n) => `\u001B[32mline ${n}\u001B[39m of a program that prints numbers and words`,
  JSON: (n) =>
    `{"level":30,"time":1763719200000,"pid":1,"hostname":"web-1","reqId":"req-${n}","req":{"method":"GET","url":"/a/${n}"},"msg":"request completed"}`,
};

const outdir = `.build/bench-lines-${process.pid}`;
try {
  await build({
    entryPoints: ['src/terminal/terminal.ts', 'src/terminal/cell-width.ts'],
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
  });
  const { Terminal } = await import(`../${outdir}/terminal.mjs`);
  const { cellWidth } = await import(`../${outdir}/cell-width.mjs`);
  for (const [kind, lineOf] of Object.entries(kinds))
    for (const pods of [1, 4]) process.stdout.write(`${report(kind, pods, best(Terminal, lineOf, pods))}\n`);
  for (const bytes of [100_000, 1_000_000])
    process.stdout.write(`${`${bytes / 1000} kB of emoji`.padEnd(18)}  ${measured(cellWidth, bytes)} ms\n`);
} finally {
  rmSync(outdir, { recursive: true, force: true });
}

function best(Terminal, lineOf, pods) {
  const stdout = new Writable({ write: (_chunk, _encoding, done) => done() });
  const env = { FORCE_COLOR: '1' };
  const terminal = new Terminal({
    output: 'text',
    detail: 'normal',
    colour: 'auto',
    streams: true,
    stdout,
    stderr: stdout,
    env,
  });
  const logs = Array.from({ length: lines }, (_, n) => ({
    type: 'log',
    source: `service-${n % pods}`,
    namespace: 'bench',
    pod: `service-${n % pods}-x7k2p`,
    container: 'main',
    stamp: '2026-01-01T00:00:00.000000001Z',
    line: Buffer.from(lineOf(n)).toString(),
  }));
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    for (const log of logs) terminal.report(log);
    least = Math.min(least, process.cpuUsage(before).user);
  }
  return lines / (least / 1e6);
}

function measured(cellWidth, bytes) {
  const emoji = '\u{1F680}';
  const line = emoji.repeat(bytes / Buffer.byteLength(emoji));
  const before = process.cpuUsage();
  cellWidth(line);
  return Math.round(process.cpuUsage(before).user / 1000);
}

function report(kind, pods, perSecond) {
  return `${kind.padEnd(10)} ${String(pods).padStart(2)} pods  ${Math.round(perSecond).toLocaleString('en').padStart(10)} lines/s`;
}
