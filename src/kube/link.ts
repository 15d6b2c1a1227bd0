import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { Gathering } from './gathering.ts';

/** How much may wait to be sent before a link calls itself congested. */
const highWater = 1024 * 1024;
const farewellMs = 2000;

/** Carries the bytes of one session, both ways. */
export interface Link {
  /** From now on what comes goes to `events`: first what has come already. `onClosed` is called once, in every case. */
  begin(events: LinkEvents): void;
  /** Takes the buffers, which must not be changed any more, as they follow one another. */
  write(...buffers: readonly Buffer[]): void;
  /** So much waits to be sent that writers should wait for `onDrained`. */
  readonly isCongested: boolean;
  pause(): void;
  resume(): void;
  /** Closes it when what was written has left. */
  end(): void;
  destroy(): void;
}

export interface LinkEvents {
  onBytes(bytes: Buffer): void;
  onDrained(): void;
  onClosed(error: Error | undefined): void;
}

/** The socket of an HTTP upgrade. */
export class SocketLink implements Link {
  readonly #socket: Socket;
  readonly #head: Buffer;
  readonly #gathering: Gathering;
  #error: Error | undefined;

  /** @param head what came together with the answer to the upgrade. */
  constructor(socket: Socket, head: Buffer) {
    this.#socket = socket;
    this.#head = head;
    this.#gathering = new Gathering(() => socket.uncork());
    socket.on('error', (error) => {
      this.#error = error;
    });
  }

  get isCongested(): boolean {
    return this.#socket.writableLength > highWater;
  }

  begin(events: LinkEvents): void {
    const socket = this.#socket;
    socket.on('drain', () => events.onDrained());
    // A server that ends its side has ended the session.
    socket.on('end', () => socket.destroy());
    socket.once('close', () => events.onClosed(this.#error));
    if (socket.closed) events.onClosed(this.#error);
    else if (this.#head.length > 0) events.onBytes(this.#head);
    socket.on('data', (bytes: Buffer) => events.onBytes(bytes));
  }

  write(...buffers: readonly Buffer[]): void {
    if (this.#gathering.add(sizeOf(buffers))) this.#socket.cork();
    for (const buffer of buffers) this.#socket.write(buffer);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.destroySoon();
    limitFarewell(this.#socket, () => this.destroy());
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** A peer that has stopped reading gets no longer than this to take what it is said goodbye with. */
function limitFarewell(socket: EventEmitter, destroy: () => void): void {
  const timer = setTimeout(destroy, farewellMs);
  socket.once('close', () => clearTimeout(timer));
}

/** A WebSocket, in whose binary messages the bytes go as they come: where one message ends means nothing. */
export class WebSocketLink implements Link {
  readonly #socket: WebSocket;
  readonly #gathering = new Gathering(() => this.#flush());
  #error: Error | undefined;
  #waiting: Buffer[] = [];
  #size = 0;
  #events: LinkEvents | undefined;
  #wasCongested = false;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('error', (error) => {
      this.#error = error;
    });
    // Until there is somebody who listens.
    socket.once('open', () => {
      if (!this.#events) socket.pause();
    });
    socket.on('message', (bytes: Buffer) => this.#events?.onBytes(bytes));
    socket.once('close', () => this.#events?.onClosed(this.#error));
  }

  get isCongested(): boolean {
    this.#wasCongested ||= this.#size + this.#socket.bufferedAmount > highWater;
    return this.#wasCongested;
  }

  begin(events: LinkEvents): void {
    this.#events = events;
    if (this.#socket.readyState === this.#socket.CLOSED) events.onClosed(this.#error);
    else this.#socket.resume();
  }

  write(...buffers: readonly Buffer[]): void {
    const size = sizeOf(buffers);
    this.#waiting.push(...buffers);
    this.#size += size;
    this.#gathering.add(size);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#flush();
    this.#socket.close();
    limitFarewell(this.#socket, () => this.destroy());
  }

  destroy(): void {
    this.#socket.terminate();
  }

  #flush(): void {
    const message = Buffer.concat(this.#waiting.splice(0), this.#size);
    this.#size = 0;
    if (message.length === 0 || this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.send(message, () => {
      if (!this.#wasCongested || this.#socket.bufferedAmount > 0) return;
      this.#wasCongested = false;
      this.#events?.onDrained();
    });
  }
}

function sizeOf(buffers: readonly Buffer[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0);
}
