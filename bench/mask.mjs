// npm run bench:mask: what it costs to look for the values of Secrets in log lines, beside one regular expression of all of
// them, which was the first try, and in the same lines with a colour. No cluster; the values are random, and a line in a thousand
// holds one.
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { build } from 'esbuild';

const lines = 100_000;
const rounds = 4;

const outfile = `.build/bench-mask-${process.pid}.mjs`;
try {
  await build({ entryPoints: ['src/lib/mask.ts'], outfile, bundle: true, platform: 'node', format: 'esm' });
  const { Mask } = await import(`../${outfile}`);
  process.stdout.write(`ms for ${lines.toLocaleString('en')} lines  mask  one regular expression  mask, coloured\n`);
  for (const count of [0, 5, 50, 500]) {
    const values = Array.from({ length: count }, (_, n) =>
      randomBytes(12 + (n % 20)).toString(n % 2 ? 'hex' : 'base64'),
    );
    const text = linesWith(values);
    const mask = new Mask();
    mask.learn(values.map((value) => Buffer.from(value)));
    const pattern = patternOf(values);
    const coloured = text.map((line) => `\x1b[32m${line}\x1b[0m`);
    const [masked, replaced, inColour] = [
      best(text, (line) => mask.apply(line)),
      best(text, (line) => line.replace(pattern, '***')),
      best(coloured, (line) => mask.apply(line)),
    ];
    const label = `${count} values`;
    process.stdout.write(
      `${label.padEnd(20)} ${masked.toFixed(0).padStart(6)}  ${replaced.toFixed(0).padStart(10)}  ${inColour.toFixed(0).padStart(24)}\n`,
    );
  }
} finally {
  rmSync(outfile, { force: true });
}

function linesWith(values) {
  return Array.from({ length: lines }, (_, n) => {
    const secret = n % 1000 === 0 && values.length > 0 ? values[n % values.length] : 'ok';
    return `{"level":30,"time":1763719200000,"pid":1,"hostname":"web-1","reqId":"${(n * 2654435761).toString(16)}","msg":"GET /a/${n} ${secret}"}`;
  });
}

/** Of the forms that the mask looks for: a value as it is, in base64, in a URL. */
function patternOf(values) {
  if (values.length === 0) return /(?!)/g;
  const forms = values.flatMap((value) => {
    const base64 = Buffer.from(value).toString('base64');
    return [value, base64, base64.replace(/=+$/, ''), encodeURIComponent(value)];
  });
  const escaped = [...new Set(forms)]
    .sort((a, b) => b.length - a.length)
    .map((form) => form.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'));
  return new RegExp(escaped.join('|'), 'g');
}

function best(text, work) {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    for (const line of text) work(line);
    least = Math.min(least, process.cpuUsage(before).user / 1000);
  }
  return least;
}
