import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** What a client sends before there is anything to send it to. */
export class EarlyBytes {
  static readonly #limit = 64 * 1024;
  readonly #client: Socket;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  readonly #take = (chunk: Buffer) => {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size >= EarlyBytes.#limit) this.#client.pause();
  };

  constructor(client: Socket) {
    this.#client = client;
    // Read from the start on: a client that leaves is only noticed by reading.
    client.on('data', this.#take);
  }

  /** Sends them on; from now on the client's bytes are the caller's. */
  flushTo(remote: Duplex): void {
    this.#client.off('data', this.#take);
    for (const chunk of this.#chunks.splice(0)) remote.write(chunk);
  }
}

export interface Spliced {
  /** The error that the far side ended with. */
  readonly error: Error | undefined;
  /** Whether the far side sent anything at all. */
  readonly answered: boolean;
}

/**
 * Joins a client with the far side, both ways: a slow reader slows the writer down, the end of one direction leaves the
 * other open, an error of the far side resets the client. Resolves when both are closed; an abort closes them.
 */
export function splice(client: Socket, remote: Duplex, early: EarlyBytes, signal: AbortSignal): Promise<Spliced> {
  return new Promise((resolve) => {
    let error: Error | undefined;
    let answered = false;
    let open = 2;
    const abort = () => {
      client.destroy();
      remote.destroy();
    };
    const closed = () => {
      if (--open > 0) return;
      signal.removeEventListener('abort', abort);
      resolve({ error, answered });
    };
    remote.once('data', () => {
      answered = true;
    });
    remote.on('error', (cause: Error) => {
      error ??= cause;
    });
    whenClosed(remote, () => {
      if (error) client.resetAndDestroy();
      else client.destroySoon();
      closed();
    });
    whenClosed(client, () => {
      // A client that ended in order has the right that its last bytes arrive.
      if (!client.errored && remote.writableEnded && !remote.writableFinished)
        remote.once('finish', () => remote.destroy());
      else remote.destroy();
      closed();
    });
    remote.pipe(client);
    early.flushTo(remote);
    if (client.readableEnded) remote.end();
    else client.pipe(remote);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  });
}

function whenClosed(stream: Duplex, then: () => void): void {
  if (stream.closed) then();
  else stream.once('close', then);
}
