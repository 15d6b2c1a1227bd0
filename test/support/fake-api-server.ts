import { once } from 'node:events';
import http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer, createWebSocketStream } from 'ws';
import { reset } from './tcp-proxy.ts';

export interface Received {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  /** The client's port: equal for requests that came over the same connection. */
  readonly from: number;
}

const spdy = 'SPDY/3.1';
/** Its name is no token, so `ws` takes and sends none like it. */
const tunnelProtocol = 'SPDY/3.1+portforward.k8s.io';
const protocolHeader = 'sec-websocket-protocol';

type SpdyWay = 'direct' | 'tunnel';

export type Answer = (exchange: Exchange) => unknown;

/** One request, and the means to answer it badly. */
export class Exchange {
  readonly received: Received;
  readonly #response: ServerResponse;
  readonly #socket: Socket | null;

  constructor(received: Received, response: ServerResponse) {
    this.received = received;
    this.#response = response;
    this.#socket = response.socket;
  }

  json(value: unknown, status = 200): void {
    this.raw(JSON.stringify(value), { status, type: 'application/json' });
  }

  status(code: number, reason: string, message: string, headers: Record<string, string> = {}): void {
    const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message };
    this.raw(JSON.stringify(body), { status: code, type: 'application/json', headers });
  }

  raw(body: string, head: { status?: number; type?: string; headers?: Record<string, string> } = {}): void {
    this.#response.writeHead(head.status ?? 200, { 'content-type': head.type ?? 'text/plain', ...head.headers });
    this.#response.end(body);
  }

  /** Sends the head, if it is not sent, and these bytes of a body that goes on. Resolves when they are handed on. */
  async write(bytes: string | Buffer): Promise<void> {
    await new Promise<void>((done) => {
      this.#response.write(bytes, () => done());
    });
  }

  end(): void {
    this.#response.end();
  }

  /** Resets the connection: with what was written before it, or instead of any answer. */
  async cut(): Promise<void> {
    const socket = this.#socket;
    await new Promise<void>((flushed) => {
      if (socket?.writableLength) socket.write('', () => flushed());
      else flushed();
    });
    if (socket) reset(socket);
  }

  /** Resolves when the connection is gone. */
  async left(): Promise<void> {
    if (this.#socket && !this.#socket.destroyed) await once(this.#socket, 'close');
  }
}

/** An API server on the loopback that says what the test tells it to, request by request. */
export class FakeApiServer implements AsyncDisposable {
  readonly url: string;
  readonly requests: Received[] = [];
  readonly #server: http.Server;
  readonly #sockets = new Set<Socket>();
  readonly #answers = new Map<string, Answer[]>();
  readonly #upgrades = new Map<
    string,
    { protocols: readonly string[]; accept: (socket: WebSocket, received: Received) => void }
  >();
  readonly #spdy = new Map<string, { ways: readonly SpdyWay[]; accept: (carrier: Duplex) => void }>();
  readonly #webSockets: WebSocketServer;

  private constructor(server: http.Server, scheme: string) {
    this.#server = server;
    this.url = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.#webSockets = new WebSocketServer({
      noServer: true,
      handleProtocols: (offered, request) => {
        const accepted = this.#upgrades.get(pathOf(request))?.protocols ?? [];
        return [...offered].find((each) => accepted.includes(each)) ?? false;
      },
    });
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
    });
    server.on('request', (request, response) => void this.#take(request, response));
    server.on('upgrade', (request, socket: Socket, head) => void this.#upgrade(request, socket, head));
  }

  /** @param tls a certificate and its key; without them it speaks plain HTTP. */
  static async listen(tls?: { readonly cert: string; readonly key: string }): Promise<FakeApiServer> {
    const server = tls ? https.createServer(tls) : http.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FakeApiServer(server, tls ? 'https' : 'http');
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The first request gets the first answer, and so on; the last answer stays. */
  on(method: string, path: string, ...answers: Answer[]): void {
    this.#answers.set(`${method} ${path}`, answers);
  }

  off(method: string, path: string): void {
    this.#answers.delete(`${method} ${path}`);
  }

  /** Upgrades to a WebSocket that speaks one of the protocols. An answer `on` the path comes first, as a refusal. */
  onUpgrade(path: string, protocols: readonly string[], accept: (socket: WebSocket, received: Received) => void): void {
    this.#upgrades.set(path, { protocols, accept });
  }

  /** Upgrades to SPDY/3.1 by these ways; what is accepted carries its frames. An answer `on` the path comes first. */
  onSpdy(path: string, ways: readonly SpdyWay[], accept: (carrier: Duplex) => void): void {
    this.#spdy.set(path, { ways, accept });
  }

  /** Ends the connections that are open now, without a word. */
  dropConnections(): void {
    for (const socket of this.#sockets) reset(socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.dropConnections();
    await once(this.#server, 'close');
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const received = await this.#record(request);
    const answers = this.#answers.get(`${received.method} ${received.path}`);
    const answer = answers && answers.length > 1 ? answers.shift() : answers?.[0];
    const exchange = new Exchange(received, response);
    if (answer) await answer(exchange);
    else exchange.status(404, 'NotFound', `${received.path} not found`);
  }

  async #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const path = pathOf(request);
    const isRefused = (this.#answers.get(`${request.method} ${path}`)?.length ?? 0) > 0;
    const asked = request.headers.upgrade === spdy ? 'direct' : 'tunnel';
    const offer = this.#spdy.get(path);
    const isSpdy = asked === 'direct' || request.headers[protocolHeader] === tunnelProtocol;
    if (isSpdy && offer?.ways.includes(asked) && !isRefused) {
      await this.#record(request);
      if (asked === 'direct') acceptDirect(request, socket, head, offer.accept);
      else this.#acceptTunnel(request, socket, head, offer.accept);
      return;
    }
    const upgrade = this.#upgrades.get(path);
    if (!upgrade || isSpdy || isRefused) {
      const response = new http.ServerResponse(request);
      response.assignSocket(socket);
      // No parser reads it any more, so nobody would see its end.
      socket.resume().once('end', () => socket.end());
      await this.#take(request, response);
      return;
    }
    const received = await this.#record(request);
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', () => {});
      upgrade.accept(webSocket, received);
    });
  }

  #acceptTunnel(request: IncomingMessage, socket: Socket, head: Buffer, accept: (carrier: Duplex) => void): void {
    delete request.headers[protocolHeader];
    this.#webSockets.once('headers', (headers) => headers.push(`${protocolHeader}: ${tunnelProtocol}`));
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => accept(createWebSocketStream(webSocket)));
  }

  async #record(request: IncomingMessage): Promise<Received> {
    const body: Buffer[] = [];
    // An upgrade has no body, and its socket belongs to the WebSocket.
    if (!request.headers.upgrade) for await (const chunk of request) body.push(chunk as Buffer);
    const received = {
      method: request.method ?? '',
      path: pathOf(request),
      query: new URL(request.url ?? '/', 'http://fake').searchParams,
      headers: request.headers,
      body: Buffer.concat(body).toString('utf8'),
      from: request.socket.remotePort ?? 0,
    };
    this.requests.push(received);
    return received;
  }
}

function acceptDirect(request: IncomingMessage, socket: Socket, head: Buffer, accept: (carrier: Duplex) => void): void {
  const protocol = String(request.headers['x-stream-protocol-version']);
  const headers = ['Connection: Upgrade', `Upgrade: ${spdy}`, `X-Stream-Protocol-Version: ${protocol}`];
  socket.write(['HTTP/1.1 101 Switching Protocols', ...headers, '', ''].join('\r\n'));
  if (head.length > 0) socket.unshift(head);
  accept(socket);
}

function pathOf(request: IncomingMessage): string {
  return request.url?.split('?', 1)[0] ?? '';
}
