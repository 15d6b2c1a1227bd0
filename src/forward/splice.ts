import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * What a client sends before anything has answered it: kept, so that a far side which refuses before it took a byte can be
 * replaced by another.
 */
export class EarlyBytes {
  static readonly #limit = 64 * 1024;
  readonly #client: Socket;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #remote: Duplex | undefined;
  #onFull: () => void = () => {};
  readonly #take = (chunk: Buffer) => {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    this.#remote?.write(chunk);
    if (this.#size < EarlyBytes.#limit) return;
    this.#client.pause();
    if (this.#remote) this.#onFull();
  };
  readonly #end = () => void this.#remote?.end();

  constructor(client: Socket) {
    this.#client = client;
    // Read from the start on: a client that leaves is only noticed by reading.
    client.on('data', this.#take);
    client.on('end', this.#end);
  }

  /** Sends them on, and those that come from now on; `onFull` when there are too many to be kept. */
  sendTo(remote: Duplex, onFull: () => void): void {
    this.#remote = remote;
    this.#onFull = onFull;
    for (const chunk of this.#chunks) remote.write(chunk);
    if (this.#client.readableEnded) remote.end();
    else if (this.#size >= EarlyBytes.#limit) onFull();
  }

  /** The far side took none: they wait for another. */
  takeBack(): void {
    this.#remote = undefined;
    this.#onFull = () => {};
  }

  /** Forgets them; from now on the client's bytes are the caller's. */
  release(): void {
    this.#client.off('data', this.#take);
    this.#client.off('end', this.#end);
    this.#chunks.length = 0;
  }
}

export interface Spliced {
  /** The error that the far side ended with. */
  readonly error: Error | undefined;
  /** Whether the far side sent anything at all, or ended in order. */
  readonly answered: boolean;
  /** Nothing was answered, and all that the client sent is still in `early`: it may be joined with another far side. */
  readonly isIntact: boolean;
}

/**
 * Joins a client with the far side, both ways: a slow reader slows the writer down, the end of one direction leaves the
 * other open, an error of the far side resets the client. Resolves when both are closed, or when the far side fails before
 * it answered: then the client is left as it is. An abort closes both.
 */
export function splice(client: Socket, remote: Duplex, early: EarlyBytes, signal: AbortSignal): Promise<Spliced> {
  return new Promise((resolve) => {
    let error: Error | undefined;
    let answered = false;
    let isJoined = false;
    let open = 2;
    const abort = () => {
      client.destroy();
      remote.destroy();
    };
    const settle = (isIntact: boolean) => {
      signal.removeEventListener('abort', abort);
      resolve({ error, answered, isIntact });
    };
    const closed = () => {
      if (--open === 0) settle(false);
    };
    const join = () => {
      if (isJoined) return;
      isJoined = true;
      early.release();
      if (!client.readableEnded) client.pipe(remote);
    };
    const answer = () => {
      answered = true;
      join();
    };
    const clientClosed = () => {
      // A client that ended in order has the right that its last bytes arrive.
      if (!client.errored && remote.writableEnded && !remote.writableFinished)
        remote.once('finish', () => remote.destroy());
      else remote.destroy();
      closed();
    };
    remote.once('data', answer);
    remote.once('end', answer);
    remote.on('error', (cause: Error) => {
      error ??= cause;
    });
    whenClosed(remote, () => {
      if (error && !isJoined && !client.destroyed && !signal.aborted) {
        remote.unpipe(client);
        client.off('close', clientClosed);
        early.takeBack();
        settle(true);
        return;
      }
      if (error) client.resetAndDestroy();
      else client.destroySoon();
      closed();
    });
    whenClosed(client, clientClosed);
    remote.on('data', () => corkForThisTurn(client));
    remote.pipe(client);
    early.sendTo(remote, join);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  });
}

/** All that comes in one turn of the loop goes on in one call: bytes come in pieces of a TLS record, and each call costs more. */
function corkForThisTurn(client: Socket): void {
  if (client.writableCorked > 0) return;
  client.cork();
  setImmediate(() => client.uncork());
}

function whenClosed(stream: Duplex, then: () => void): void {
  if (stream.closed) then();
  else stream.once('close', then);
}
