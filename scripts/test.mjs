// npm test [-- unit|contract|e2e …] [-- --require-e2e] [-- --only PATTERN]: builds the tests and runs them with
// node's own runner. The last line says what happened: `N passed, N failed, N skipped`.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { parseArgs } from 'node:util';
import { setUp } from './set-up.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'require-e2e': { type: 'boolean', default: false },
    only: { type: 'string' },
    name: { type: 'string' },
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

const { build } = await import('esbuild');
const out = `.build/test-${process.pid}`;
try {
  await build({
    entryPoints: tests,
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
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const skipped = new Map();
  // End-to-end tests come last. They share one engine and one cluster, and wait for them most of the time: two at a time.
  for (const [group, concurrency] of [
    [tests.filter((f) => !f.startsWith('test/e2e/')), Math.max(2, availableParallelism())],
    [tests.filter((f) => f.startsWith('test/e2e/')), 2],
  ]) {
    if (group.length === 0) continue;
    const files = group.map((file) => join(out, file.replace(/^test\//, '').replace(/\.ts$/, '.js')));
    process.execArgv.push('--enable-source-maps');
    const stream = run({
      files,
      concurrency,
      timeout: 20 * 60_000,
      ...(values.name ? { testNamePatterns: [values.name] } : {}),
    });
    stream.on('test:fail', ({ details, skip }) => {
      if (skip === undefined && details.type !== 'suite' && !isFile(details)) counts.failed++;
    });
    stream.on('test:pass', ({ details, name, skip }) => {
      if (details.type === 'suite') return;
      if (skip === undefined) counts.passed++;
      else {
        counts.skipped++;
        skipped.set(name, skip);
      }
    });
    const printed = stream.compose(spec);
    printed.pipe(process.stdout, { end: false });
    await new Promise((resolve, reject) => printed.on('end', resolve).on('error', reject));
  }
  for (const [name, reason] of skipped)
    console.log(`skipped: ${name}${typeof reason === 'string' ? `: ${reason}` : ''}`);
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
} finally {
  rmSync(out, { recursive: true, force: true });
}

/** A file whose tests failed is reported as a failed test of its own; its tests are counted already. */
function isFile(details) {
  return existsSync('.build') && details.error?.failureType === 'subtestsFailed';
}
