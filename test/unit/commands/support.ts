import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Command, Config } from '@oclif/core';
import type { FakeKube } from '../../support/fake-kube.ts';
import { KubeServer } from '../../support/kube-server.ts';
import { until } from '../../support/until.ts';

interface Said {
  readonly code: string | number | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export type Runnable = (new (argv: string[], config: Config) => Command) & Pick<typeof Command, 'run'>;

/** Among the words of a command: there is no config. */
export const noConfig = '(no config)';

/** A project `storm` in the namespace `storm`, and the cluster that its commands find; the engine has nothing. */
export interface Stage extends AsyncDisposable {
  /** Where the config is. */
  readonly folder: string;
  /** @param config besides the name and the namespace. */
  readonly write: (config: object, manifests?: readonly object[]) => Promise<void>;
  /** Resolves when the command that runs has printed it. */
  readonly prints: (pattern: RegExp) => Promise<void>;
  /** Runs a command to its end, of that project unless it is without a config. */
  readonly run: (command: Runnable, ...argv: readonly string[]) => Promise<Said>;
}

export async function openStage(t: TestContext, kube: FakeKube): Promise<Stage> {
  const server = await KubeServer.listen(kube);
  const engine = await listenEmpty();
  const file = join(server.folder, 'stormctl.yaml');
  let printed = () => '';
  return {
    folder: server.folder,
    write: async (config, manifests = []) => {
      const base = { name: 'storm', cluster: { namespace: 'storm' }, deploy: [{ manifests: ['all.yaml'] }] };
      await writeFile(file, JSON.stringify({ ...base, ...config }));
      await writeFile(
        join(server.folder, 'all.yaml'),
        manifests.map((object) => JSON.stringify(object)).join('\n---\n'),
      );
    },
    prints: (pattern) => until(() => pattern.test(printed())),
    run: async (command, ...argv) => {
      const { KUBECONFIG, DOCKER_HOST } = process.env;
      setAll({ KUBECONFIG: server.kubeconfig, DOCKER_HOST: engine.url });
      const [stdout, stderr] = [catchText(t, process.stdout), catchText(t, process.stderr)];
      printed = stdout.text;
      try {
        await command.run(
          argv.includes(noConfig) ? argv.filter((word) => word !== noConfig) : [...argv, '--file', file],
          import.meta.url,
        );
        return { code: process.exitCode, stdout: stdout.end(), stderr: stderr.end() };
      } finally {
        stdout.end();
        stderr.end();
        process.exitCode = undefined;
        setAll({ KUBECONFIG, DOCKER_HOST });
      }
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
}

function setAll(variables: NodeJS.ProcessEnv): void {
  for (const [name, value] of Object.entries(variables))
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
}

/** An engine that answers, with neither containers nor images. */
async function listenEmpty() {
  const server = http.createServer(({ url = '' }, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(url.endsWith('/version') ? '{"Version":"27.0.0","ApiVersion":"1.46"}' : '[]');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The runner of the tests writes bytes to the same stream: they pass. */
function catchText(t: TestContext, stream: NodeJS.WriteStream) {
  // Each command adds one, and a process has but one command.
  const listeners = stream.listeners('error');
  const write = stream.write.bind(stream) as (...args: readonly unknown[]) => boolean;
  let text = '';
  const { mock } = t.mock.method(stream, 'write', (...args: readonly unknown[]) => {
    const [said] = args;
    if (typeof said !== 'string') return write(...args);
    text += said;
    const done = args.findLast((each) => typeof each === 'function') as (() => void) | undefined;
    if (done) setImmediate(done);
    return true;
  });
  return {
    text: () => text,
    end: () => {
      mock.restore();
      for (const each of stream.listeners('error'))
        if (!listeners.includes(each)) stream.off('error', each as (error: Error) => void);
      return text;
    },
  };
}
