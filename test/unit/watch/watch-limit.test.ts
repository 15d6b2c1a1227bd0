import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { buildSync } from 'esbuild';
import { ScratchFolder } from './watched-folder.ts';

/** Watches 30 folders in a user namespace that may have 10 watches, then saves a file in each. */
const program = `
import { mkdirSync, writeFileSync } from 'node:fs';
import { watchFiles } from './src/watch/watch-files.ts';
const [folder] = process.argv.slice(2);
for (let i = 0; i < 30; i++) { mkdirSync(folder + '/d' + i); writeFileSync(folder + '/d' + i + '/a.ts', 'one'); }
const problems = [];
const watch = watchFiles({
  roots: [{ folder, skip: () => false }],
  signal: new AbortController().signal,
  onProblem: ({ message, where, detail, next }) => problems.push({ message, where, detail, next }),
});
await watch.ready;
for (let i = 0; i < 30; i++) writeFileSync(folder + '/d' + i + '/a.ts', 'number two');
const seen = new Set();
for await (const { changed } of watch.batches) {
  for (const path of changed) seen.add(path);
  if (seen.size === 30) break;
}
await watch[Symbol.asyncDispose]();
console.log(JSON.stringify(problems));
`;

const unshare = 'unshare';
const limited = ['-Ur', 'sh', '-c', 'echo 10 > /proc/sys/user/max_inotify_watches && exec "$@"', '-'];
const canLimit = spawnSync(unshare, [...limited, 'true']).status === 0;

test("at the kernel's limit the rest is polled, and told once with the numbers and the sysctl line", {
  timeout: 120_000,
  skip: canLimit ? false : 'this machine lets no user namespace limit its own file watches',
}, () => {
  using folder = new ScratchFolder();
  using built = new ScratchFolder();
  const entry = { contents: program, resolveDir: process.cwd(), loader: 'ts' as const };
  const target = 'node20.19';
  buildSync({ stdin: entry, bundle: true, platform: 'node', format: 'esm', target, outfile: built.at('watch.mjs') });
  const argv = [...limited, process.execPath, built.at('watch.mjs'), folder.path];
  const { stdout, stderr, status } = spawnSync(unshare, argv, { encoding: 'utf8', timeout: 100_000 });
  assert.equal(status, 0, stderr);
  const problems = JSON.parse(stdout) as { message: string; where: string; detail: string; next: string }[];
  assert.equal(problems.length, 1);
  assert.match(problems[0]?.message ?? '', /limit of file watches is reached: \d+ of \d+ folders are polled/);
  assert.match(problems[0]?.where ?? '', /^fs\.inotify\.max_user_watches = \d+$/);
  assert.match(problems[0]?.next ?? '', /^sudo sysctl fs\.inotify\.max_user_watches=\d+/);
});
