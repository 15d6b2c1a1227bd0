import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Door } from './door.ts';
import { freePort } from './hello-project.ts';
import { lab } from './lab.ts';

/** A door before the lab's API server. */
export interface ClusterDoor extends AsyncDisposable {
  readonly door: Door;
  /** Where it is. */
  readonly at: { readonly port: number; readonly host: string };
  /** What leads a program through it. */
  readonly env: { readonly KUBECONFIG: string };
}

export async function openClusterDoor(): Promise<ClusterDoor> {
  const port = await freePort();
  const way = await wayThrough(port);
  const at = { port, host: '127.0.0.1' };
  const door = await Door.open(at, await labServer());
  return {
    door,
    at,
    env: way.env,
    [Symbol.asyncDispose]: async () => {
      await door[Symbol.asyncDispose]();
      await way[Symbol.asyncDispose]();
    },
  };
}

/** Where the lab's API server is. */
export async function labServer(): Promise<{ readonly port: number; readonly host: string }> {
  const { port, hostname } = serverOf(await readFile(lab.kubeconfig, 'utf8'));
  return { port: Number(port), host: hostname };
}

/** A kubeconfig that leads a program to `port` of this machine in place of the lab's API server. */
export async function wayThrough(port: number) {
  const kubeconfig = await readFile(lab.kubeconfig, 'utf8');
  const folder = await mkdtemp(join(tmpdir(), 'stormctl-door-'));
  const file = join(folder, 'kubeconfig');
  const { hostname } = serverOf(kubeconfig);
  // An address is no name that TLS could ask for (RFC 6066, 3).
  const name = isIP(hostname) ? '' : `\n    tls-server-name: ${hostname}`;
  const through = `server: https://127.0.0.1:${port}${name}`;
  await writeFile(file, kubeconfig.replace(/server: \S+/, through), { mode: 0o600 });
  return {
    env: { KUBECONFIG: file },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

function serverOf(kubeconfig: string): URL {
  return new URL(/server: (\S+)/.exec(kubeconfig)?.[1] ?? '');
}
