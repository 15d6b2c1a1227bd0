import { chmodSync, existsSync, mkdtempSync, symlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after } from 'node:test';

/** Where this machine has a program; undefined when it has none. */
export function findProgram(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

const applets = 'sh cat chmod chown dd id mkdir mv printf rm rmdir sha256sum stat'.split(' ');

/** A folder that is all the PATH of a container of busybox, until the tests of the file have run; undefined without busybox. */
export function busyboxTools(): string | undefined {
  const busybox = findProgram('busybox');
  if (!busybox) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'stormctl-busybox-'));
  chmodSync(folder, 0o755);
  for (const applet of applets) symlinkSync(busybox, join(folder, applet));
  after(() => rm(folder, { recursive: true }));
  return folder;
}
