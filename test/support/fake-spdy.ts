import { Duplex } from 'node:stream';
import { constants, inflateSync } from 'node:zlib';

const types = { synStream: 1, synReply: 2, rstStream: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 9 } as const;
const fin = 1;

/** One forwarded connection as the pod's side has it: what is written to it comes to the client, and the reverse. */
export class FakePortConnection extends Duplex {
  readonly port: number;
  readonly #peer: FakeSpdyPeer;
  readonly #dataId: number;
  readonly #errorId: number;

  constructor(peer: FakeSpdyPeer, port: number, ids: { readonly data: number; readonly error: number }) {
    super({ allowHalfOpen: true });
    this.port = port;
    this.#peer = peer;
    this.#dataId = ids.data;
    this.#errorId = ids.error;
    this.on('error', () => {});
  }

  override _read(): void {
    this.#peer.carrier.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#peer.carrier.write(dataFrame(this.#dataId, chunk, 0), () => done());
  }

  override _final(done: () => void): void {
    this.#peer.carrier.write(dataFrame(this.#dataId, Buffer.alloc(0), fin), () => done());
  }

  /** The kubelet's words for what went wrong in the pod, and the end of the forwarding, in the order of containerd. */
  fail(message: string): void {
    this.#peer.carrier.write(dataFrame(this.#dataId, Buffer.alloc(0), fin));
    this.#peer.carrier.write(dataFrame(this.#errorId, Buffer.from(message), 0));
    this.over();
  }

  /** The same where there was no pod to begin with. */
  failAtOnce(message: string): void {
    this.#peer.carrier.write(dataFrame(this.#errorId, Buffer.from(message), fin));
    this.#peer.carrier.write(dataFrame(this.#dataId, Buffer.alloc(0), fin));
  }

  /** The forwarding has ended in order. */
  over(): void {
    this.#peer.carrier.write(dataFrame(this.#errorId, Buffer.alloc(0), fin));
  }

  reset(): void {
    this.#peer.send(types.rstStream, 0, Buffer.concat([uint32(this.#dataId), uint32(5)]));
  }
}

export interface FakeSpdyOptions {
  readonly serve: (connection: FakePortConnection) => void;
  /** Whether pings are answered. Default: yes. */
  readonly answersPings?: () => boolean;
}

/**
 * The far end of a SPDY/3.1 session, as a kubelet with moby/spdystream is one: it never sends windows, drops data of a
 * stream without a reply, and stops reading everything while one connection is not read.
 */
export class FakeSpdyPeer {
  readonly carrier: Duplex;
  /** By request id: the connections that both streams have come for. */
  readonly connections: FakePortConnection[] = [];
  /** The streams that the client has reset. */
  readonly resets: number[] = [];
  readonly pings: number[] = [];
  hasGoneAway = false;
  readonly #options: FakeSpdyOptions;
  readonly #pending = new Map<string, { readonly type: string; readonly id: number }>();
  readonly #byStream = new Map<number, FakePortConnection>();
  #blocks = Buffer.alloc(0);
  #inflated = 0;
  #held = Buffer.alloc(0);

  constructor(carrier: Duplex, options: FakeSpdyOptions) {
    this.carrier = carrier;
    this.#options = options;
    carrier.on('error', () => {});
    carrier.on('data', (chunk: Buffer) => this.#feed(chunk));
    carrier.on('end', () => carrier.end());
    carrier.on('close', () => {
      for (const connection of this.connections) connection.destroy();
    });
  }

  /** Any control frame, also a wrong one. */
  send(type: number, flags: number, body: Buffer): void {
    this.carrier.write(Buffer.concat([uint32(0x80030000 + type), uint32(flags * 2 ** 24 + body.length), body]));
  }

  goAway(): void {
    this.send(types.goAway, 0, Buffer.concat([uint32(0), uint32(0)]));
  }

  ping(id: number): void {
    this.send(types.ping, 0, uint32(id));
  }

  #feed(chunk: Buffer): void {
    this.#held = Buffer.concat([this.#held, chunk]);
    while (this.#held.length >= 8) {
      const end = 8 + this.#held.readUIntBE(5, 3);
      if (this.#held.length < end) return;
      const first = this.#held.readUInt32BE(0);
      const flags = this.#held.readUInt8(4);
      const body = this.#held.subarray(8, end);
      this.#held = this.#held.subarray(end);
      if (first >= 2 ** 31) this.#takeControl(first & 0xffff, flags, body);
      else this.#takeData(first, flags, body);
    }
  }

  #takeControl(type: number, flags: number, body: Buffer): void {
    if (type === types.synStream) this.#takeStream(body.readUInt32BE(0), this.#readHeaders(body.subarray(10)));
    if (type === types.goAway) this.hasGoneAway = true;
    if (type === types.ping) {
      this.pings.push(body.readUInt32BE(0));
      if (this.#options.answersPings?.() ?? true) this.send(type, flags, body);
    }
    if (type !== types.rstStream) return;
    this.resets.push(body.readUInt32BE(0));
    this.#byStream.get(body.readUInt32BE(0))?.destroy(new Error('the client reset the stream'));
  }

  #takeStream(id: number, headers: ReadonlyMap<string, string>): void {
    this.send(types.synReply, 0, Buffer.concat([uint32(id), Buffer.from('made up')]));
    const request = headers.get('requestid') ?? '';
    const type = headers.get('streamtype') ?? '';
    const other = this.#pending.get(request);
    if (!other) {
      this.#pending.set(request, { type, id });
      return;
    }
    const ids = type === 'data' ? { data: id, error: other.id } : { data: other.id, error: id };
    const connection = new FakePortConnection(this, Number(headers.get('port')), ids);
    this.#byStream.set(ids.data, connection);
    this.connections.push(connection);
    this.#options.serve(connection);
  }

  #takeData(id: number, flags: number, body: Buffer): void {
    const connection = this.#byStream.get(id);
    if (!connection || connection.destroyed) return;
    if (body.length > 0 && !connection.push(body)) this.carrier.pause();
    if (flags & fin) connection.push(null);
  }

  /** One zlib stream a session, as a server reads it: what was inflated before is left out. */
  #readHeaders(block: Buffer): ReadonlyMap<string, string> {
    this.#blocks = Buffer.concat([this.#blocks, block]);
    const all = inflateSync(this.#blocks, { finishFlush: constants.Z_SYNC_FLUSH });
    let rest = all.subarray(this.#inflated);
    this.#inflated = all.length;
    const next = () => {
      const length = rest.readUInt32BE(0);
      const text = rest.toString('utf8', 4, 4 + length);
      rest = rest.subarray(4 + length);
      return text;
    };
    const count = rest.readUInt32BE(0);
    rest = rest.subarray(4);
    const headers = new Map<string, string>();
    for (let i = 0; i < count; i++) headers.set(next(), next());
    if (rest.length > 0) throw new Error(`${rest.length} bytes after the headers`);
    return headers;
  }
}

function dataFrame(id: number, bytes: Buffer, flags: number): Buffer {
  return Buffer.concat([uint32(id), uint32(flags * 2 ** 24 + bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
