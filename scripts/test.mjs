// npm test [-- unit|contract|e2e …] [-- --require-e2e] [-- --only PATTERN]: builds the tests and runs them with
// node's own runner. At the end stand the files that took longest, what failed and why, what hung, what was skipped, and in
// the last line what happened: `N passed, N failed, N skipped`.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { pathToFileURL } from 'node:url';
import { inspect, parseArgs } from 'node:util';
import { setUp } from './set-up.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'require-e2e': { type: 'boolean', default: false },
    only: { type: 'string' },
    name: { type: 'string' },
    shake: { type: 'string' },
  },
});
const kinds = positionals.length > 0 ? positionals : ['unit', 'contract', 'e2e'];
setUp({ build: kinds.includes('e2e') });
if (values['require-e2e']) process.env.STORMCTL_REQUIRE_E2E = '1';

const tests = readdirSync('test', { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
  .map((entry) => relative('.', join(entry.parentPath, entry.name)))
  .filter((file) => kinds.some((kind) => file.startsWith(`test/${kind}/`)))
  .filter((file) => values.only === undefined || file.includes(values.only))
  .sort();

/** What a file may take, by kind: far more than the longest does on a busy machine. What it hung on is named at the end. */
const minutes = { unit: 4, contract: 10, e2e: 10 };

/** What is begun first of its kind: what takes longest, by the list at the end; begun last, one of them would run on alone. */
const first = ['contract/k3d/', 'e2e/log-faults', 'e2e/storm', 'e2e/cluster', 'e2e/after-sync', 'e2e/edits'];

const { build } = await import('esbuild');
const out = `.build/test-${process.pid}`;
const counts = { passed: 0, failed: 0, skipped: 0 };
const skipped = new Map();
/** What the failed tests said: where they stand is far above, and often all that is kept of a run is its end. */
const failures = [];
const hung = [];
/** By file: what it took, with the start of its process. */
const seconds = new Map();
try {
  await build({
    entryPoints: [...tests, 'test/support/lab.ts'],
    outdir: out,
    outbase: 'test',
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  process.execArgv.push('--enable-source-maps');
  if (values.shake !== undefined) {
    process.env.STORMCTL_TEST_SHAKE = values.shake;
    process.execArgv.push('--import', pathToFileURL(resolve('test/support/shake.mjs')).href);
  }
  if (kinds.some((kind) => kind !== 'unit')) {
    const { lab } = await import(resolve(out, 'support/lab.js'));
    process.env.STORMCTL_TEST_LAB = JSON.stringify(lab);
  }
  // Tests against the lab wait for it most of the time, and the others for the processor: they run beside one another,
  // and what is printed is in order all the same. End-to-end tests share one engine and one cluster: two files at a time.
  const e2e = begin('e2e', 2);
  await print(begin('contract', kinds.includes('e2e') ? 1 : 2));
  await print(begin('unit', Math.max(2, availableParallelism())));
  await print(e2e);
  const slowest = [...seconds].sort(([, a], [, b]) => b - a).slice(0, 10);
  console.log('the slowest files:');
  for (const [file, took] of slowest) console.log(`${took.toFixed(1).padStart(7)} s  ${file}`);
  for (const failure of failures) console.log(failure);
  for (const line of hung) console.log(line);
  for (const [name, reason] of skipped)
    console.log(`skipped: ${name}${typeof reason === 'string' ? `: ${reason}` : ''}`);
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
} finally {
  rmSync(out, { recursive: true, force: true });
}

/** Begins the tests of a kind. @returns what is to be printed of them, or undefined where there are none. */
function begin(kind, concurrency) {
  const ranks = tests.filter((file) => file.startsWith(`test/${kind}/`)).map((file) => ({ file, rank: rankOf(file) }));
  if (ranks.length === 0) return undefined;
  const stream = run({
    files: ranks
      .sort((a, b) => a.rank - b.rank)
      .map(({ file }) => join(out, file.replace(/^test\//, '').replace(/\.ts$/, '.js'))),
    concurrency,
    timeout: minutes[kind] * 60_000,
    ...(values.name ? { testNamePatterns: [values.name] } : {}),
  });
  stream.on('test:fail', (test) => {
    const { details, skip, name } = test;
    if (skip !== undefined || details.type === 'suite' || isFile(details)) return;
    counts.failed++;
    const cause = details.error.cause ?? details.error;
    failures.push(`failed: ${nameOf(test)}: ${name}: ${cause.stack ?? inspect(cause)}`);
  });
  stream.on('test:complete', (test) => {
    if (isOfFile(test)) seconds.set(nameOf(test), test.details.duration_ms / 1000);
  });
  nameWhatHangs(stream, minutes[kind]);
  stream.on('test:pass', ({ details, name, skip }) => {
    if (details.type === 'suite') return;
    if (skip === undefined) counts.passed++;
    else {
      counts.skipped++;
      skipped.set(name, skip);
    }
  });
  return stream.compose(spec);
}

/** What is told of the tests of a file stands together, and ends with what became of the file. */
function nameWhatHangs(stream, limit) {
  const underWay = new Map();
  const key = ({ nesting, name, line, column }) => [nesting, line, column, name].join();
  stream.on('test:dequeue', (test) => isOfFile(test) || underWay.set(key(test), test.name));
  stream.on('test:complete', (test) => underWay.delete(key(test)));
  stream.on('test:pass', (test) => isOfFile(test) && underWay.clear());
  stream.on('test:fail', (test) => {
    if (!isOfFile(test)) return;
    if (test.details.error?.failureType === 'testTimeoutFailure')
      hung.push(`not over after ${limit} minutes: ${nameOf(test)}: ${[...underWay.values()].join(' > ')}`);
    underWay.clear();
  });
}

/** A file is a test that has the name of the file. */
function isOfFile({ file, name, nesting }) {
  return nesting === 0 && file !== undefined && resolve(name) === resolve(file);
}

/** Where the file stands below `test/`; tests have the name of the source where the runner could find it. */
function nameOf({ file }) {
  const folder = resolve(file).startsWith(resolve(out)) ? out : 'test';
  return relative(folder, file).replace(/\.js$/, '.ts');
}

function rankOf(file) {
  const place = first.findIndex((start) => file.startsWith(`test/${start}`));
  return place < 0 ? first.length : place;
}

async function print(printed) {
  if (printed === undefined) return;
  printed.pipe(process.stdout, { end: false });
  await new Promise((resolve, reject) => printed.on('end', resolve).on('error', reject));
}

/** A file whose tests failed is reported as a failed test of its own; its tests are counted already. */
function isFile(details) {
  return existsSync('.build') && details.error?.failureType === 'subtestsFailed';
}
