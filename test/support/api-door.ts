import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { lab } from './lab.ts';

/** The one request at which something happens. */
export interface Cut {
  /** Matches `PATCH /api/v1/namespaces/storm/configmaps/a?force=false`. */
  readonly at: RegExp;
  /** Whether the server gets the request; its answer is lost either way. */
  readonly arrives: boolean;
}

/**
 * A way to the lab's API server that knows what is asked: something can happen at a request of one's choice, either before
 * it arrives or after it was done and before its answer does.
 */
export class ApiDoor implements AsyncDisposable {
  /** Leads a program through it. */
  readonly env: { readonly KUBECONFIG: string };
  readonly #folder: string;
  readonly #port: number;
  readonly #closing = new AbortController();
  readonly #upstream: { readonly url: URL; readonly agent: https.Agent };
  #server: http.Server;
  #cut: (Cut & { readonly happens: () => void }) | undefined;

  private constructor(folder: string, server: http.Server, upstream: { url: URL; agent: https.Agent }) {
    this.#folder = folder;
    this.#server = server;
    this.#upstream = upstream;
    this.#port = (server.address() as { port: number }).port;
    this.env = { KUBECONFIG: join(folder, 'kubeconfig') };
    server.on('request', (...args) => void this.#pass(...args));
  }

  static async open(): Promise<ApiDoor> {
    const text = await readFile(lab.kubeconfig, 'utf8');
    const find = (key: string) => new RegExp(`${key}: (\\S+)`).exec(text)?.[1] ?? '';
    const decode = (key: string) => Buffer.from(find(`${key}-data`), 'base64');
    const [ca, cert, key] = [decode('certificate-authority'), decode('client-certificate'), decode('client-key')];
    const server = await listen(0);
    const folder = await mkdtemp(join(tmpdir(), 'stormctl-api-door-'));
    const agent = new https.Agent({ ca, cert, key, keepAlive: true });
    const door = new ApiDoor(folder, server, { url: new URL(find('server')), agent });
    const name = lab.context;
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': name,
      clusters: [{ name, cluster: { server: `http://127.0.0.1:${door.#port}` } }],
      users: [{ name, user: {} }],
      contexts: [{ name, context: { cluster: name, user: name } }],
    };
    await writeFile(door.env.KUBECONFIG, JSON.stringify(config));
    return door;
  }

  /** Resolves when the next request that matches came and `happens` was called: that one gets no answer. */
  next(cut: Cut, happens: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.#cut = {
        ...cut,
        happens: () => {
          this.#cut = undefined;
          happens();
          resolve();
        },
      };
    });
  }

  /** Nothing happens at any request that is still to come. */
  forget(): void {
    this.#cut = undefined;
  }

  /** Cuts every connection, and refuses new ones for a time. */
  async away(ms: number): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
    if (!(await delay(ms, true, { signal: this.#closing.signal }).catch(() => false))) return;
    this.#server = await listen(this.#port);
    this.#server.on('request', (...args) => void this.#pass(...args));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#server.close();
    this.#server.closeAllConnections();
    this.#upstream.agent.destroy();
    await rm(this.#folder, { recursive: true });
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = request;
    const line = `${method} ${url}`;
    const cut = this.#cut?.at.test(line) ? this.#cut : undefined;
    if (cut && !cut.arrives) {
      cut.happens();
      request.socket.destroy();
      return;
    }
    const { url: upstream, agent } = this.#upstream;
    const asked = https.request(new URL(url, upstream), {
      method,
      headers: { ...headers, host: upstream.host },
      agent,
    });
    response.on('close', () => asked.destroy());
    try {
      const [answer] = (await Promise.all([once(asked, 'response'), pipeline(request, asked)]))[0] as [IncomingMessage];
      if (cut) {
        // What was done is known when the answer is whole.
        answer.resume();
        if (!/[?&]watch=/.test(url)) await once(answer, 'end');
        cut.happens();
        request.socket.destroy();
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      await pipeline(answer, response);
    } catch {
      // Either side is gone: so is the other.
      request.socket.destroy();
    }
  }
}

async function listen(port: number): Promise<http.Server> {
  const server = http.createServer({ keepAliveTimeout: 0 });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
