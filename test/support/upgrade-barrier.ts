import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

type Refused = 'direct' | 'tunnel';

export interface UpgradeBarrierOptions {
  /** What `kubectl config view --minify --flatten --raw -o json` prints. */
  readonly view: string;
  readonly refuse: readonly Refused[];
  /** Where the kubeconfig that leads through it is written; it is removed at the end. */
  readonly file: string;
}

interface View {
  readonly clusters: readonly { readonly name: string; readonly cluster: Readonly<Record<string, string>> }[];
  readonly users: readonly { readonly name: string; readonly user: Readonly<Record<string, string>> }[];
}

/** A proxy before an API server that lets some ways to the ports of pods through and no others, as those of companies do. */
export class UpgradeBarrier implements AsyncDisposable {
  /** A kubeconfig without credentials, which the barrier has. */
  readonly kubeconfig: string;
  /** The upgrades that were asked for: `SPDY/3.1`, or a WebSocket's protocol. */
  readonly asked: string[] = [];
  readonly #refuse: readonly Refused[];
  readonly #server = http.createServer();
  readonly #sockets = new Set<Socket>();
  readonly #agent: https.Agent;
  readonly #to: string;
  readonly #headers: Readonly<Record<string, string>>;

  private constructor({ refuse, view, file }: UpgradeBarrierOptions) {
    this.kubeconfig = file;
    this.#refuse = refuse;
    const { clusters, users } = JSON.parse(view) as View;
    const cluster = clusters[0]?.cluster ?? {};
    const user = users[0]?.user ?? {};
    const decode = (text: string | undefined) => (text === undefined ? undefined : Buffer.from(text, 'base64'));
    this.#to = cluster['server'] ?? '';
    this.#headers = user['token'] === undefined ? {} : { authorization: `Bearer ${user['token']}` };
    this.#agent = new https.Agent({
      ca: decode(cluster['certificate-authority-data']),
      cert: decode(user['client-certificate-data']),
      key: decode(user['client-key-data']),
    });
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('request', (request, response) => {
      const onward = this.#onward(request);
      onward.once('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      onward.once('error', () => response.destroy());
      response.once('close', () => onward.destroy());
      request.pipe(onward);
    });
    this.#server.on('upgrade', (request, socket: Socket, head) => this.#upgrade(request, socket, head));
  }

  static async listen(options: UpgradeBarrierOptions): Promise<UpgradeBarrier> {
    const barrier = new UpgradeBarrier(options);
    barrier.#server.listen(0, '127.0.0.1');
    await once(barrier.#server, 'listening');
    const { port } = barrier.#server.address() as AddressInfo;
    const view = JSON.parse(options.view) as View;
    const clusters = view.clusters.map(({ name }) => ({ name, cluster: { server: `http://127.0.0.1:${port}` } }));
    const users = view.users.map(({ name }) => ({ name, user: {} }));
    await writeFile(options.file, JSON.stringify({ ...view, clusters, users }), { mode: 0o600 });
    return barrier;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
    this.#agent.destroy();
    await rm(this.kubeconfig, { force: true });
  }

  #onward({ method, url, headers }: IncomingMessage): http.ClientRequest {
    return https.request(this.#to + (url ?? ''), {
      ...(method === undefined ? {} : { method }),
      agent: this.#agent,
      headers: { ...headers, ...this.#headers },
    });
  }

  #upgrade(request: IncomingMessage, client: Socket, head: Buffer): void {
    client.on('error', () => {}).setNoDelay(true);
    const { upgrade = '', 'sec-websocket-protocol': protocol } = request.headers;
    const way = protocol ?? upgrade;
    this.asked.push(way);
    const isRefused = way.startsWith('SPDY/3.1') && this.#refuse.includes(protocol === undefined ? 'direct' : 'tunnel');
    if (isRefused) {
      client.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      return;
    }
    const onward = this.#onward(request);
    onward.once('error', () => client.destroy());
    onward.once('response', (answer) => {
      const { statusCode, statusMessage } = answer;
      const type = `Content-Type: ${answer.headers['content-type'] ?? 'text/plain'}`;
      client.write([`HTTP/1.1 ${statusCode} ${statusMessage}`, type, 'Connection: close', '', ''].join('\r\n'));
      answer.pipe(client);
    });
    onward.once('upgrade', (answer, server: Socket, first) => {
      const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${String(value)}`);
      client.write(['HTTP/1.1 101 Switching Protocols', ...lines, '', ''].join('\r\n'));
      server.setNoDelay(true);
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        from.on('error', () => to.destroy());
        from.once('close', () => to.destroy());
      }
      server.write(head);
      client.write(first);
      server.pipe(client).pipe(server);
    });
    onward.end();
  }
}
