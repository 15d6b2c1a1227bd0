import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type ContextRules, readContext } from '../../src/context/read-context.ts';
import type { Build, Service } from '../../src/project.ts';

/** A build context on disk, deleted by `await using`. */
export interface ContextFolder extends AsyncDisposable {
  readonly root: string;
  write(path: string, content: string | Buffer, mode?: number): Promise<void>;
  link(path: string, target: string): Promise<void>;
  buildOf(build?: Partial<Build>): Build;
  rules(build?: Partial<Build>): Promise<ContextRules>;
}

/** @param files path to content; folders are made. */
export async function contextFolder(files: Readonly<Record<string, string>> = {}): Promise<ContextFolder> {
  const root = await mkdtemp(join(tmpdir(), 'build-context-'));
  const makeFolder = (path: string) => mkdir(dirname(join(root, path)), { recursive: true });
  const folder: ContextFolder = {
    root,
    async write(path, content, mode = 0o644) {
      await makeFolder(path);
      await writeFile(join(root, path), content, { mode });
    },
    async link(path, target) {
      await makeFolder(path);
      await symlink(target, join(root, path));
    },
    buildOf: (build = {}) => ({
      context: root,
      dockerfile: join(root, 'Dockerfile'),
      target: undefined,
      args: {},
      network: undefined,
      ...build,
    }),
    rules: (build) => readContext(folder.buildOf(build)),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
  for (const [path, content] of Object.entries(files)) await folder.write(path, content);
  return folder;
}

export function serviceOf(name: string, image: string, build: Build): Service {
  return {
    name,
    image,
    build,
    sync: [],
    autoSync: false,
    afterSync: undefined,
    dev: { target: undefined, command: undefined, args: undefined, env: {} },
    forward: [],
    trigger: 'auto',
    restartOnConfigChange: true,
    at: { file: 'stormctl.yaml', line: 1, column: 1 },
  };
}
