import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, statSync } from 'node:fs';

/** Installs the dependencies when they are not there or older than the lockfile, and builds the CLI when asked. */
export function setUp({ build }) {
  const installed = 'node_modules/.package-lock.json';
  // Through a link npm would empty a folder that another checkout uses.
  const isLink = lstatSync('node_modules', { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  if (!isLink && (!existsSync(installed) || statSync(installed).mtimeMs < statSync('package-lock.json').mtimeMs))
    step('npm', ['ci', '--no-audit', '--no-fund']);
  if (build) step(process.execPath, ['scripts/build.mjs']);
}

function step(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
