import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { setUp } from '../scripts/set-up.mjs';
import { labKubeconfig, machine, openBench, percentile } from './measure.mjs';
import { openSite } from './site.mjs';

/**
 * What benches share that measure on a cluster: `--rounds N`, `--only PART`, `--json FILE` and what `options` adds, a built
 * stormctl, a bench that ends whatever happens, and the rows that are printed at the end.
 */
export function openFrame(name, { rounds, ...options }) {
  const string = { type: 'string' };
  const { values } = parseArgs({
    options: { rounds: { ...string, default: rounds }, only: string, json: string, ...options },
  });
  setUp({ build: true });
  const bench = openBench(name);
  const rows = [];
  return {
    values,
    rounds: Number(values.rounds),
    bench,
    /** @param told what is said of it as soon as it is measured. */
    row(columns, told) {
      rows.push(columns);
      console.error(`${columns.name}: ${told}`);
    },
    /** Measures one part after the other, or the one that is asked for, and prints. */
    async run(parts) {
      await untilInterrupted(bench, async () => {
        const asked = Object.entries(parts).filter(([part]) => values.only === undefined || values.only === part);
        if (asked.length === 0) throw new Error(`no part ${values.only}: there are ${Object.keys(parts).join(', ')}`);
        const site = await openSite(bench, { kubeconfig: labKubeconfig() });
        for (const [, measure] of asked) await measure(site);
        console.log(machine());
        printRows(rows, values.json);
      });
    },
  };
}

/** Ends the bench after the work, and as a program that was interrupted where it was. */
export async function untilInterrupted(bench, work) {
  try {
    await work();
  } catch (error) {
    if (!bench.signal.aborted) throw error;
    process.exitCode = 130;
  } finally {
    await bench.close();
  }
}

/** A table for people, and JSON: into a file where one is given. */
export function printRows(rows, file) {
  console.table(Object.fromEntries(rows.map(({ name, ...columns }) => [name, columns])));
  const json = JSON.stringify({ node: process.version, rows });
  if (file) writeFileSync(file, `${json}\n`);
  else console.log(json);
}

/** @returns the ratio of the medians; undefined when there is nothing to compare with. */
export function ratioOf(own, other) {
  const [ownMedian, otherMedian] = [own, other].map((figures) => percentile(figures, 0.5));
  return otherMedian ? Math.round((ownMedian / otherMedian) * 100) / 100 : undefined;
}
