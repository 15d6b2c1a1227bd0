import { Duplex } from 'node:stream';
import type { PodRef } from './kube.ts';
import { portRefusal } from './port-refusal.ts';
import type { SpdySession, Tenant } from './spdy-session.ts';

const highWater = 256 * 1024;
/** More than an error message has. */
const maxMessage = 64 * 1024;
/** How long the error stream may stay open after the data has ended: its message, if there is one, comes right after. */
const lastWordsMs = 500;

export interface PortStreamOptions {
  readonly session: SpdySession;
  readonly pod: PodRef;
  readonly port: number;
  /** @see SpdyPortStream */
  readonly holdEndMs: number;
  /** @returns what a caller should see of an error of the session. */
  readonly explain: (cause: Error) => Error;
}

/**
 * One TCP connection to a port of a pod, as two streams of a session: one for its bytes, one for what went wrong.
 * https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/client-go/tools/portforward/portforward.go
 *
 * Container runtimes (containerd, CRI-O, socat) end the whole connection a second after either side has ended, without a
 * word. So the local end is passed on at once when the pod spoke last, as when a client leaves; when an answer is still
 * due it is kept back until the pod has been silent for `holdEndMs`, so that no answer is cut short.
 */
export class SpdyPortStream extends Duplex implements Tenant {
  /** Resolves when the server has taken the connection; rejects when it is reset or lost before. */
  readonly taken: Promise<void>;
  sent = 0;
  readonly #options: PortStreamOptions;
  readonly #session: SpdySession;
  readonly #dataId: number;
  readonly #errorId: number;
  readonly #said: Buffer[] = [];
  #saidLength = 0;
  #isTaken = false;
  /** Whether the error stream has ended: the pod's side of the connection is gone. */
  #isOver = false;
  #hasEnded = false;
  #hasSentEnd = false;
  #podSpokeLast = true;
  #isReset = false;
  /** It ends with an error, and whatever else comes means nothing. */
  #isFailing = false;
  #timer: NodeJS.Timeout | undefined;
  #settleTaken: { resolve: () => void; reject: (error: Error) => void } = { resolve: () => {}, reject: () => {} };

  constructor(options: PortStreamOptions) {
    super({ allowHalfOpen: true, readableHighWaterMark: highWater, writableHighWaterMark: highWater });
    const { session, port } = options;
    this.#options = options;
    this.#session = session;
    this.taken = new Promise((resolve, reject) => {
      this.#settleTaken = { resolve, reject };
    });
    // Whoever awaits it gets the error; that nobody does is no fault.
    this.taken.catch(() => {});
    const headers = { port: String(port), requestid: String(session.enter(this)) };
    const lost = (cause: Error) => this.#break(options.explain(cause));
    this.#errorId = session.open({ streamtype: 'error', ...headers }, true, {
      onReply: () => {},
      onData: (bytes) => this.#hear(bytes),
      onEnd: () => this.#over(),
      onReset: () => this.#over(),
      onLost: lost,
    });
    this.#dataId = session.open({ streamtype: 'data', ...headers }, false, {
      onReply: () => this.#take(),
      onData: (bytes) => this.#receive(bytes),
      onEnd: () => this.#endOfData(),
      onReset: () => this.#takeReset(),
      onLost: lost,
    });
  }

  get unread(): number {
    return this.readableLength;
  }

  override _read(): void {
    this.#session.swift(this);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#podSpokeLast = false;
    this.sent += chunk.length;
    // What goes to a pod that has left is lost, as on any connection; its own end closes this one.
    if (this.#isOver) done();
    else this.#session.send(this.#dataId, chunk, done);
  }

  override _final(done: () => void): void {
    if (this.#podSpokeLast || this.#hasEnded) this.#sendEnd();
    else void this.#session.passed().then(() => this.#holdEnd());
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.#timer);
    // Where the pod's side failed nobody reads there what was sent, and the server waits for that until it is reset.
    const isUnread = this.#isFailing && this.sent > 0;
    const isOver = (this.#hasEnded && this.#hasSentEnd) || (this.#isOver && !isUnread);
    const isBroken = !isOver && !this.#isReset;
    // Before its reply a reset would find no stream there, and what is then opened would stay.
    if (isBroken && this.#isTaken) this.#session.reset(this.#dataId);
    if (this.#isTaken || !isBroken) this.#session.forget(this.#errorId, this.#dataId);
    this.#session.leave(this, isBroken);
    if (!this.#isTaken) this.#settleTaken.reject(error ?? new Error('the connection was closed'));
    done(error);
  }

  #take(): void {
    this.#isTaken = true;
    this.#settleTaken.resolve();
    if (!this.destroyed) return;
    this.#session.reset(this.#dataId);
    this.#session.forget(this.#errorId, this.#dataId);
  }

  #receive(bytes: Buffer): void {
    if (this.destroyed || this.#isFailing || this.#hasEnded) return;
    this.#podSpokeLast = true;
    if (this.#timer) this.#holdEnd();
    // An unread piece of a large chunk would keep all of it in memory.
    const isWaiting = this.readableLength > 0 && bytes.length < bytes.buffer.byteLength / 2;
    if (!this.push(isWaiting ? Buffer.from(bytes) : bytes)) this.#session.slow(this);
  }

  #hear(bytes: Buffer): void {
    this.#saidLength += bytes.length;
    if (this.#saidLength <= maxMessage) this.#said.push(Buffer.from(bytes));
  }

  /** The forwarding has ended there: with a message where it failed, after which there is nothing to write to. */
  #over(): void {
    if (this.destroyed || this.#isFailing || this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    const said = Buffer.concat(this.#said).toString('utf8');
    if (said !== '') this.#break(portRefusal(this.#options.pod, this.#options.port, said));
    else if (this.#hasEnded) this.#endBoth();
  }

  #endOfData(): void {
    if (this.destroyed || this.#isFailing || this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    if (this.#isOver) {
      this.#endBoth();
      return;
    }
    if (this.writableFinished) this.#sendEnd();
    // A server on which the other direction really goes on.
    this.#timer = setTimeout(() => this.push(null), lastWordsMs);
  }

  #endBoth(): void {
    // Nobody is there to write to any more: the end of this side ends the other.
    this.allowHalfOpen = false;
    this.push(null);
  }

  #takeReset(): void {
    this.#isReset = true;
    const cause = Object.assign(new Error('the server reset the stream'), { code: 'ECONNRESET' });
    this.#break(this.#options.explain(cause));
  }

  /** What came together with the reply waits until the caller has the stream, and can hang a listener on it. */
  #break(error: Error): void {
    this.#isFailing = true;
    clearTimeout(this.#timer);
    this.#settleTaken.reject(error);
    setImmediate(() => this.destroy(error));
  }

  #sendEnd(): void {
    if (this.#hasSentEnd || this.#isOver) return;
    this.#hasSentEnd = true;
    this.#session.sendEnd(this.#dataId);
  }

  /** Until what was sent has left for the pod, however slow it reads, its silence says nothing: this begins only then. */
  #holdEnd(): void {
    if (this.destroyed || this.#isFailing || this.#hasEnded || this.#isOver) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#sendEnd(), this.#options.holdEndMs);
  }
}
