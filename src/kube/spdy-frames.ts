/**
 * The frames of SPDY/3.1, as far as a client of port streams needs them.
 * https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/
 */
const version = 3;
const types = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;
const flagFin = 1;
const headLength = 8;
/** A control frame is read as a whole; the largest that a server sends here is a reply with a few headers. */
const maxControlLength = 64 * 1024;
const cancel = 5;

/** What a FrameReader finds, in the order of the bytes. */
export interface FrameSink {
  /** A piece of a DATA frame, as it came: a frame is never put together. */
  onData(stream: number, bytes: Buffer): void;
  /** The peer sends no more on this stream. */
  onEnd(stream: number): void;
  onReply(stream: number): void;
  onReset(stream: number, status: number): void;
  onPing(id: number): void;
  onGoAway(): void;
}

/**
 * Takes a byte stream apart into frames, wherever it is cut. What headers say is not looked at: a port stream's replies
 * have none. SETTINGS and WINDOW_UPDATE are checked and ignored (docs/decisions/0020-spdy.md).
 */
export class FrameReader {
  readonly #sink: FrameSink;
  /** The beginning of a head or of a control frame, whose rest has not come yet. */
  #held: Buffer = Buffer.alloc(0);
  /** Of the DATA frame whose payload is being read. */
  #stream = 0;
  #left = 0;
  #isLast = false;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** @throws Error when the bytes are not SPDY/3.1; then nothing more may be fed. */
  feed(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) rest = this.#left > 0 ? this.#readData(rest) : this.#readHead(rest);
  }

  #readData(bytes: Buffer): Buffer {
    const piece = bytes.subarray(0, this.#left);
    this.#left -= piece.length;
    this.#sink.onData(this.#stream, piece);
    if (this.#left === 0 && this.#isLast) this.#sink.onEnd(this.#stream);
    return bytes.subarray(piece.length);
  }

  #readHead(bytes: Buffer): Buffer {
    const before = this.#held.length;
    const all = before === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    if (all.length < headLength) return this.#hold(all);
    const first = all.readUInt32BE(0);
    const length = all.readUIntBE(5, 3);
    const flags = all.readUInt8(4);
    const isControl = first >= 2 ** 31;
    if (isControl) {
      checkControl(first, length);
      const end = headLength + length;
      if (all.length < end) return this.#hold(all);
      this.#held = Buffer.alloc(0);
      this.#takeControl(first % 2 ** 16, flags, all.subarray(headLength, end));
      return all.subarray(end);
    }
    if (first === 0) throw new Error('a DATA frame without a stream');
    this.#held = Buffer.alloc(0);
    this.#stream = first;
    this.#left = length;
    this.#isLast = (flags & flagFin) !== 0;
    if (length === 0 && this.#isLast) this.#sink.onEnd(first);
    return all.subarray(headLength);
  }

  #hold(bytes: Buffer): Buffer {
    this.#held = bytes;
    return Buffer.alloc(0);
  }

  #takeControl(type: number, flags: number, body: Buffer): void {
    switch (type) {
      case types.synReply:
      case types.headers: {
        const stream = readId(body, type, 4, Number.POSITIVE_INFINITY);
        if (type === types.synReply) this.#sink.onReply(stream);
        if (flags & flagFin) this.#sink.onEnd(stream);
        break;
      }
      case types.rstStream:
        this.#sink.onReset(readId(body, type, 8, 8), body.readUInt32BE(4));
        break;
      case types.ping:
        this.#sink.onPing(readId(body, type, 4, 4));
        break;
      case types.goAway:
        readId(body, type, 8, 8);
        this.#sink.onGoAway();
        break;
      case types.windowUpdate:
        readId(body, type, 8, 8);
        break;
      case types.settings:
        readId(body, type, 4, Number.POSITIVE_INFINITY);
        break;
      case types.synStream:
        throw new Error('the server opened a stream');
      default:
      // "must ignore" (2.2.1): a frame type of a later revision.
    }
  }
}

function checkControl(first: number, length: number): void {
  const said = Math.floor(first / 2 ** 16) % 2 ** 15;
  if (said !== version) throw new Error(`a control frame of version ${said}, not 3`);
  if (length > maxControlLength) throw new Error(`a control frame of ${length} bytes`);
}

/** @returns the number that a control frame begins with. */
function readId(body: Buffer, type: number, min: number, max: number): number {
  if (body.length < min || body.length > max) throw new Error(`a frame of type ${type} with ${body.length} bytes`);
  return body.readUInt32BE(0) % 2 ** 31;
}

/** Writes the frames that open streams: their headers share one zlib stream, so they go out in the order of the calls. */
export class StreamOpener {
  #isFirst = true;
  #lastId = -1;

  /** The stream that was opened last; a client's have odd numbers. */
  get lastId(): number {
    return this.#lastId;
  }

  /** @param isLast nothing will be sent on the stream. */
  open(headers: Readonly<Record<string, string>>, isLast: boolean): { readonly id: number; readonly frame: Buffer } {
    this.#lastId += 2;
    const raw = headerBlock(headers);
    const start = this.#isFirst ? zlibHead : noBytes;
    this.#isFirst = false;
    const block = start.length + storedHeadLength + raw.length + emptyBlock.length;
    const fixed = Buffer.alloc(headLength + synLength);
    writeControlHead(fixed, types.synStream, isLast ? flagFin : 0, synLength + block);
    fixed.writeUInt32BE(this.#lastId, headLength);
    return { id: this.#lastId, frame: Buffer.concat([fixed, start, storedHead(raw.length), raw, emptyBlock]) };
  }
}

/** Of a SYN_STREAM: its number, that of a stream it belongs to, its priority. */
const synLength = 10;
const noBytes = Buffer.alloc(0);
/** RFC 1950, 2.2: deflate, window of 32 KiB, no preset dictionary. */
const zlibHead = Buffer.of(0x78, 0x01);
/** The flush without which the reader of a block waits for more. */
const emptyBlock = Buffer.of(0, 0, 0, 0xff, 0xff);
const storedHeadLength = 5;

/**
 * The headers go as "stored" blocks (RFC 1951, 3.2.4), which are valid deflate, need no dictionary and can be written at
 * once; a synchronous deflate that goes on from call to call is nothing that node:zlib has.
 */
function storedHead(length: number): Buffer {
  const head = Buffer.alloc(storedHeadLength);
  head.writeUInt16LE(length, 1);
  head.writeUInt16LE(length ^ 0xffff, 3);
  return head;
}

function headerBlock(headers: Readonly<Record<string, string>>): Buffer {
  const texts = Object.entries(headers).flat();
  const block = Buffer.alloc(texts.reduce((sum, text) => sum + 4 + Buffer.byteLength(text), 4));
  let at = block.writeUInt32BE(texts.length / 2, 0);
  for (const text of texts) {
    at = block.writeUInt32BE(Buffer.byteLength(text), at);
    at += block.write(text, at);
  }
  return block;
}

/** The head of a DATA frame; its payload, of less than 16 MiB, follows it. */
export function dataHead(stream: number, length: number, isLast: boolean): Buffer {
  const head = Buffer.allocUnsafe(headLength);
  head.writeUInt32BE(stream, 0);
  head.writeUInt32BE((isLast ? flagFin : 0) * 2 ** 24 + length, 4);
  return head;
}

/** Ends a stream both ways, with what is under way on it. */
export function resetFrame(stream: number): Buffer {
  return controlFrame(types.rstStream, [stream, cancel]);
}

export function pingFrame(id: number): Buffer {
  return controlFrame(types.ping, [id]);
}

/** Says that no more streams are wanted; a server closes the connection then. */
export function goAwayFrame(): Buffer {
  return controlFrame(types.goAway, [0, 0]);
}

function controlFrame(type: number, words: readonly number[]): Buffer {
  const frame = Buffer.alloc(headLength + 4 * words.length);
  let at = writeControlHead(frame, type, 0, 4 * words.length);
  for (const word of words) at = frame.writeUInt32BE(word, at);
  return frame;
}

/** @returns the index after it. */
function writeControlHead(into: Buffer, type: number, flags: number, length: number): number {
  into.writeUInt32BE(2 ** 31 + version * 2 ** 16 + type, 0);
  return into.writeUInt32BE(flags * 2 ** 24 + length, 4);
}
