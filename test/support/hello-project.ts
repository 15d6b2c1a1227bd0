import { randomInt } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A scratch copy of examples/hello with a name, a namespace and a local port of its own. */
export interface HelloProject extends AsyncDisposable {
  readonly folder: string;
  readonly name: string;
  readonly namespace: string;
  readonly port: number;
  /** Where the forward answers. */
  readonly url: string;
  read(path: string): Promise<string>;
  write(path: string, text: string): Promise<void>;
  /** Replaces text that has to be there. */
  edit(path: string, from: string, to: string): Promise<void>;
}

export async function helloProject(name: string): Promise<HelloProject> {
  const folder = await mkdtemp(join(tmpdir(), `stormctl-${name}-`));
  await cp('examples/hello', folder, { recursive: true });
  const port = await freePort();
  const at = (path: string) => join(folder, path);
  const project: HelloProject = {
    folder,
    name,
    namespace: name,
    port,
    url: `http://localhost:${port}`,
    read: (path) => readFile(at(path), 'utf8'),
    write: (path, text) => writeFile(at(path), text),
    edit: async (path, from, to) => {
      const text = await readFile(at(path), 'utf8');
      if (!text.includes(from)) throw new Error(`${path} has no ${JSON.stringify(from)}`);
      await writeFile(at(path), text.replace(from, to));
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
  await project.edit('stormctl.yaml', 'name: hello', `name: ${name}`);
  await project.edit('stormctl.yaml', 'namespace: hello', `namespace: ${name}`);
  await project.edit('stormctl.yaml', 'local: 8081', `local: ${port}`);
  return project;
}

/**
 * @returns a port that was free a moment ago, and is no NodePort and none of those that the system gives out by itself:
 * a connection that somebody opens takes it no more.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 30_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
