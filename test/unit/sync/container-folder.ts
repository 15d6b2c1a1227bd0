import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';

/** A scratch folder: a local tree, or, as agents run on this machine, what a container would hold. */
export class ScratchTree implements Disposable {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), 'stormctl-sync-')));

  constructor() {
    chmodSync(this.path, 0o755);
  }

  at(name: string): string {
    return join(this.path, name);
  }

  write(name: string, content: string | Buffer = name, mode = 0o644): string {
    const path = this.at(name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    chmodSync(path, mode);
    return path;
  }

  read(name: string): string {
    return readFileSync(this.at(name), 'utf8');
  }

  /** Every file below `name`, hidden and half-written ones too, to its text. */
  files(name = '.'): Record<string, string> {
    const entries = readdirSync(this.at(name), { recursive: true, withFileTypes: true });
    const paths = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
    return Object.fromEntries(paths.sort().map((path) => [relative(this.at(name), path), readFileSync(path, 'utf8')]));
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
