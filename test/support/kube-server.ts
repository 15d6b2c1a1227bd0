import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ApiError, type KubeRequest, type KubeResource, type WatchRequest } from '../../src/kube/kube.ts';
import type { FakeKube } from './fake-kube.ts';

/** A FakeKube behind a loopback port and a kubeconfig of its own, for what connects by itself: whole commands. */
export class KubeServer implements AsyncDisposable {
  readonly kubeconfig: string;
  /** Holds the kubeconfig; tests may put what is theirs there. */
  readonly folder: string;
  readonly #kube: FakeKube;
  readonly #server: http.Server;
  readonly #closing = new AbortController();

  private constructor(kube: FakeKube, folder: string, server: http.Server) {
    this.#kube = kube;
    this.#server = server;
    this.folder = folder;
    this.kubeconfig = join(folder, 'kubeconfig');
    server.on('request', (request, response) => void this.#take(request, response));
  }

  static async listen(kube: FakeKube): Promise<KubeServer> {
    const server = http.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const it = new KubeServer(kube, await mkdtemp(join(tmpdir(), 'stormctl-kube-')), server);
    const { port } = server.address() as AddressInfo;
    const config = {
      'current-context': 'fake',
      clusters: [{ name: 'fake', cluster: { server: `http://127.0.0.1:${port}` } }],
      users: [{ name: 'fake', user: {} }],
      contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'fake' } }],
    };
    await writeFile(it.kubeconfig, JSON.stringify(config), { mode: 0o600 });
    return it;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
    await rm(this.folder, { recursive: true });
  }

  async #take(received: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = (status: number, value: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(value));
    };
    try {
      const request = await read(received);
      const { path, query } = request;
      const isVersion = /^\/(api\/v1|apis\/[^/]+\/[^/]+)$/.test(path);
      if (isVersion) answer(200, resourceList(this.#kube.resources(path.replace(/^\/apis?\//, ''))));
      else if (query?.['watch'] === true) await this.#stream(request, response);
      else {
        let status = 200;
        const told = { onStatus: (answered: number) => (status = answered) };
        const value = await this.#kube.request({ ...request, ...told });
        answer(status, value);
      }
    } catch (error) {
      if (response.headersSent) response.destroy();
      else if (error instanceof ApiError) answer(error.status, statusOf(error));
      else answer(500, { kind: 'Status', message: String(error) });
    }
  }

  /** What was listed before the watch begins is not told again. */
  async #stream({ path, query = {}, accept }: KubeRequest, response: ServerResponse): Promise<void> {
    const { labelSelector, fieldSelector } = query as Record<string, string | undefined>;
    const asked: WatchRequest = {
      path,
      metadataOnly: accept?.includes('as=PartialObjectMetadata') ?? false,
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    };
    const left = new AbortController();
    response.on('close', () => left.abort());
    for await (const event of this.#kube.watch(asked, AbortSignal.any([left.signal, this.#closing.signal]))) {
      if (event.type === 'list') {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.flushHeaders();
      } else if (event.type !== 'lost')
        response.write(
          `${JSON.stringify({ type: event.type === 'gone' ? 'DELETED' : 'MODIFIED', object: event.object })}\n`,
        );
    }
  }
}

async function read(received: IncomingMessage): Promise<KubeRequest> {
  const url = new URL(received.url ?? '', 'http://fake');
  const typed = (value: string) => (value === 'true' ? true : value === 'false' ? false : value);
  const { accept, 'content-type': contentType } = received.headers;
  const said = await text(received);
  return {
    method: received.method as KubeRequest['method'],
    path: url.pathname,
    query: Object.fromEntries([...url.searchParams].map(([key, value]) => [key, typed(value)])),
    ...(contentType === undefined ? {} : { contentType }),
    ...(accept === undefined ? {} : { accept }),
    ...(said === '' ? {} : { body: JSON.parse(said) as unknown }),
  };
}

function resourceList(resources: readonly KubeResource[]): object {
  return { resources: resources.map(({ plural, ...rest }) => ({ name: plural, ...rest })) };
}

function statusOf({ status, reason, message, details }: ApiError): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status, reason, message, details };
}
