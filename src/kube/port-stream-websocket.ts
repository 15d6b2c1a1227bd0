import { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { abortError } from '../lib/abort.ts';
import { podPath, withQuery } from './api-path.ts';
import { type HeartbeatTiming, keepBeating } from './heartbeat.ts';
import type { PodRef } from './kube.ts';
import { portRefusal } from './port-refusal.ts';
import type { Transport } from './transport.ts';
import { openWebSocket } from './websocket.ts';

const channels = { data: 0, error: 1 } as const;
const highWater = 1024 * 1024;
const bothPorts = 2;
/** Less than this fits into the buffers between here and a process that does not read, which then answers no ping. */
const surelyTaken = 64 * 1024;

/**
 * One TCP connection to a port of a pod over a WebSocket of its own (v4.channel.k8s.io). The protocol knows no half-close:
 * after a local `end` the answer is still read to its end, but the peer does not learn that nothing more will come.
 *
 * @see Kube.connect
 */
export async function connectByWebSocket(
  transport: Transport,
  pod: PodRef,
  port: number,
  { signal, heartbeat }: { readonly signal: AbortSignal; readonly heartbeat: HeartbeatTiming },
): Promise<Duplex> {
  const doing = `the connection to port ${port} of ${pod.pod}`;
  const path = withQuery(podPath(pod, 'portforward'), { ports: port });
  const stream = await openWebSocket(
    transport,
    { path, protocols: ['v4.channel.k8s.io'], doing },
    (socket, linked) => new PortStream({ socket, transport, doing, signal: linked, pod, port, heartbeat }),
    signal,
  );
  // A refusal may have come with the handshake: it waits until the caller has the stream, and can hang a listener on it.
  process.nextTick(() => stream.begin());
  return stream;
}

interface PortParts {
  readonly socket: WebSocket;
  readonly transport: Transport;
  readonly doing: string;
  readonly signal: AbortSignal;
  readonly pod: PodRef;
  readonly port: number;
  readonly heartbeat: HeartbeatTiming;
}

class PortStream extends Duplex {
  readonly #parts: PortParts;
  readonly #socket: WebSocket;
  /** The first message of each channel says its port, and is no data. */
  readonly #begun = new Set<number>();
  #broken: Error | undefined;
  #opened = false;
  #sent = 0;

  constructor(parts: PortParts) {
    // When the pod's side ends the whole connection has ended, so the local side has nobody to write to.
    super({ allowHalfOpen: false, readableHighWaterMark: highWater, writableHighWaterMark: 256 * 1024 });
    this.#parts = parts;
    this.#socket = parts.socket;
    this.#socket.once('open', () => {
      this.#opened = true;
      this.#socket.pause();
    });
    this.#socket.on('message', (data: Buffer) => this.#take(data));
    this.#socket.on('error', (error) => {
      this.#broken ??= error;
    });
    this.#socket.once('close', (code) => this.#finish(code));
    keepBeating(
      this.#socket,
      parts.heartbeat,
      () => this.#socket.isPaused || this.#sent > surelyTaken,
      () => {
        this.#broken ??= Object.assign(new Error('no answer to a ping'), { code: 'ETIMEDOUT' });
      },
    );
  }

  begin(): void {
    this.#socket.resume();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const message = Buffer.allocUnsafe(chunk.length + 1);
    message[0] = channels.data;
    chunk.copy(message, 1);
    this.#sent += chunk.length;
    if (this.#socket.readyState !== this.#socket.OPEN) {
      done(this.#reset());
      return;
    }
    let roomy = false;
    this.#socket.send(message, (error) => {
      if (!roomy) done(error ? this.#reset(error) : null);
    });
    roomy = this.#socket.bufferedAmount <= highWater;
    if (roomy) done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (error || this.#socket.readyState !== this.#socket.OPEN) {
      this.#socket.terminate();
    } else {
      // Its answer is read past what nobody wants any more; what was written goes out before it.
      this.#socket.resume();
      this.#socket.close();
    }
    done(error);
  }

  #take(data: Buffer): void {
    const channel = data[0] ?? channels.data;
    if (!this.#begun.has(channel)) {
      this.#begun.add(channel);
      data = data.subarray(bothPorts);
    }
    const bytes = data.subarray(1);
    if (bytes.length === 0 || this.destroyed) return;
    if (channel === channels.error) this.#refuse(bytes.toString('utf8'));
    else if (!this.push(bytes)) this.#socket.pause();
  }

  #refuse(said: string): void {
    this.destroy(portRefusal(this.#parts.pod, this.#parts.port, said));
  }

  #finish(code: number): void {
    if (this.destroyed) return;
    // A handshake that failed is told by the promise; nobody has this stream.
    if (!this.#opened) this.destroy();
    else if (code === 1000 && !this.#broken) this.push(null);
    else this.destroy(this.#reset());
  }

  #reset(error?: Error): Error {
    const { signal, transport, doing } = this.#parts;
    if (signal.aborted) return abortError(signal);
    const cut = Object.assign(new Error('the connection was cut'), { code: 'ECONNRESET' });
    return transport.explain(this.#broken ?? error ?? cut, signal, doing);
  }
}
