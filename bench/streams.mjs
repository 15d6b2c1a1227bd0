// npm run bench:streams [-- --only forward|logs] [-- --rounds N] [-- --json FILE]: what lasts, beside kubectl in the same
// run and in turns with it. What is measured, and how: bench/README.md.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { setUp } from '../scripts/set-up.mjs';
import { labKubeconfig, machine, openBench, percentile, round } from './measure.mjs';
import { openSite } from './site.mjs';
import { measureForward } from './streams/forward.mjs';
import { measureLogs } from './streams/logs.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
    json: { type: 'string' },
  },
});
const parts = { forward: measureForward, logs: measureLogs };
setUp({ build: true });
const bench = openBench('bench-streams');
const rows = [];

try {
  const site = await openSite(bench, { kubeconfig: labKubeconfig() });
  for (const [name, measure] of Object.entries(parts))
    if (values.only === undefined || values.only === name)
      await measure({ bench, site, rounds: Number(values.rounds), row });
  print();
} catch (error) {
  if (!bench.signal.aborted) throw error;
  process.exitCode = 130;
} finally {
  await bench.close();
}

/** `own` and `kubectl`: figures of the rounds; `target`: what the ratio of the medians should be, in words. */
function row(name, unit, own, kubectl, target) {
  const [ownMedian, otherMedian] = [own, kubectl].map((figures) => percentile(figures, 0.5));
  rows.push({
    name,
    unit,
    rounds: own.length,
    stormctl: round(ownMedian),
    kubectl: round(otherMedian),
    ratio: otherMedian ? Math.round((ownMedian / otherMedian) * 100) / 100 : undefined,
    target,
  });
  console.error(`${name}: ${round(ownMedian)} ${unit}, kubectl ${round(otherMedian)}`);
}

function print() {
  console.log(machine());
  console.table(Object.fromEntries(rows.map(({ name, ...columns }) => [name, columns])));
  const json = JSON.stringify({ node: process.version, rows });
  if (values.json) writeFileSync(values.json, `${json}\n`);
  else console.log(json);
}
