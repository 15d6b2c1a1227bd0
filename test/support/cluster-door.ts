import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Door } from './door.ts';
import { freePort } from './hello-project.ts';
import { lab } from './lab.ts';

/** A door before the lab's API server. */
export interface ClusterDoor extends AsyncDisposable {
  readonly door: Door;
  /** What leads a program through it. */
  readonly env: { readonly KUBECONFIG: string };
}

export async function openClusterDoor(): Promise<ClusterDoor> {
  const kubeconfig = await readFile(lab.kubeconfig, 'utf8');
  const server = new URL(/server: (\S+)/.exec(kubeconfig)?.[1] ?? '');
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'stormctl-door-'));
  const file = join(folder, 'kubeconfig');
  const through = `server: https://127.0.0.1:${port}\n    tls-server-name: ${server.hostname}`;
  await writeFile(file, kubeconfig.replace(/server: \S+/, through), { mode: 0o600 });
  const door = await Door.open({ port, host: '127.0.0.1' }, { port: Number(server.port), host: server.hostname });
  return {
    door,
    env: { KUBECONFIG: file },
    [Symbol.asyncDispose]: async () => {
      await door[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}
