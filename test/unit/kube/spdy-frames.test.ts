import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { constants, inflateSync } from 'node:zlib';
import {
  FrameReader,
  StreamOpener,
  dataHead,
  goAwayFrame,
  pingFrame,
  resetFrame,
} from '../../../src/kube/spdy-frames.ts';
import { randomOf } from '../../support/random.ts';

/** Reads chunks, and tells what they held; the pieces of one DATA frame are put together. */
function read(chunks: readonly Buffer[]): readonly string[] {
  const found: string[] = [];
  const reader = new FrameReader({
    onData: (stream, bytes) => {
      const open = `data ${stream} `;
      const last = found.at(-1);
      if (last?.startsWith(open)) found[found.length - 1] = last + bytes.toString('latin1');
      else found.push(open + bytes.toString('latin1'));
    },
    onEnd: (stream) => found.push(`end ${stream}`),
    onReply: (stream) => found.push(`reply ${stream}`),
    onReset: (stream, status) => found.push(`reset ${stream} ${status}`),
    onPing: (id) => found.push(`ping ${id}`),
    onGoAway: () => found.push('go away'),
  });
  for (const chunk of chunks) reader.feed(chunk);
  return found;
}

function control(type: number, body: string, flags = 0): Buffer {
  const bytes = Buffer.from(body, 'hex');
  const head = Buffer.from([0x80, 3, 0, type, flags, 0, 0, bytes.length]);
  return Buffer.concat([head, bytes]);
}

function data(stream: number, text: string, isLast = false): Buffer {
  return Buffer.concat([dataHead(stream, text.length, isLast), Buffer.from(text)]);
}

const session = Buffer.concat([
  control(4, '00000001000000040000ffff'),
  control(2, '00000001787f'),
  control(2, '00000003'),
  data(3, 'hello'),
  control(9, '0000000300001000'),
  data(1, 'x'.repeat(300)),
  data(1, '', true),
  control(99, 'ffff'),
  control(6, '00000007'),
  control(8, '00000005', 1),
  data(3, 'bye', true),
  resetFrame(7),
  control(7, '0000000000000000'),
]);
const told = [
  'reply 1',
  'reply 3',
  'data 3 hello',
  `data 1 ${'x'.repeat(300)}`,
  'end 1',
  'ping 7',
  'end 5',
  'data 3 bye',
  'end 3',
  'reset 7 5',
  'go away',
];

describe('FrameReader', () => {
  it('reads the frames of a session', () => {
    assert.deepEqual(read([session]), told);
  });

  it('reads the same wherever the bytes are split', () => {
    for (let at = 0; at <= session.length; at++)
      assert.deepEqual(read([session.subarray(0, at), session.subarray(at)]), told, `split at ${at}`);
    assert.deepEqual(read([...session].map((byte) => Buffer.of(byte))), told);
  });

  it('refuses what is not SPDY/3.1, with a reason', () => {
    const wrong = new Map([
      ['800200010000000a', /control frame of version 2/],
      ['80030002ff010001', /control frame of 65537 bytes/],
      ['0000000000000001', /without a stream/],
      ['800300030000000400000001', /type 3 with 4 bytes/],
      ['80030006000000050000000100', /type 6 with 5 bytes/],
      ['80030007000000040000000000', /type 7 with 4 bytes/],
      ['8003000900000004000000ff', /type 9 with 4 bytes/],
      ['8003000400000000', /type 4 with 0 bytes/],
      ['800300020000000200ff', /type 2 with 2 bytes/],
      ['80030001000000020001', /opened a stream/],
    ]);
    for (const [hex, reason] of wrong)
      for (const chunks of [[Buffer.from(hex, 'hex')], [...Buffer.from(hex, 'hex')].map((byte) => Buffer.of(byte))])
        assert.throws(() => read(chunks), { message: reason });
  });

  it('comes to an end with any bytes: with frames, or with an Error', () => {
    const random = randomOf(11);
    for (let round = 0; round < 2000; round++) {
      const bytes = Buffer.from(session);
      // Half of the rounds keep the frames' shape and change a few bytes of them.
      const changes = round % 2 === 0 ? bytes.length : 1 + random(4);
      for (let i = 0; i < changes; i++) bytes[random(bytes.length)] = random(256);
      const cut = random(bytes.length);
      try {
        read([bytes.subarray(0, cut), bytes.subarray(cut)]);
      } catch (error) {
        assert.equal((error as Error).constructor, Error, String(error));
      }
    }
  });
});

describe('the frames that go out', () => {
  it('open streams with odd numbers, whose headers are one zlib stream', () => {
    const opener = new StreamOpener();
    const first = opener.open({ streamtype: 'error', port: '80' }, true);
    const second = opener.open({ streamtype: 'data' }, false);
    assert.deepEqual([first.id, second.id, opener.lastId], [1, 3, 3]);
    assert.equal(first.frame.toString('hex', 0, 5), '8003000101');
    assert.equal(second.frame.toString('hex', 0, 5), '8003000100');
    const blocks = [first, second].map(({ frame }) => frame.subarray(18));
    assert.equal(first.frame.readUIntBE(5, 3), first.frame.length - 8);
    const texts = blocks.map((_, index) =>
      inflateSync(Buffer.concat(blocks.slice(0, index + 1)), { finishFlush: constants.Z_SYNC_FLUSH }).toString(
        'latin1',
      ),
    );
    const expected = '\0\0\0\x02\0\0\0\x0astreamtype\0\0\0\x05error\0\0\0\x04port\0\0\0\x0280';
    assert.equal(texts[0], expected);
    assert.equal(texts[1], `${expected}\0\0\0\x01\0\0\0\x0astreamtype\0\0\0\x04data`);
  });

  it('are those of the specification', () => {
    assert.equal(dataHead(5, 7, true).toString('hex'), '0000000501000007');
    assert.equal(resetFrame(5).toString('hex'), '80030003000000080000000500000005');
    assert.equal(pingFrame(9).toString('hex'), '800300060000000400000009');
    assert.equal(goAwayFrame().toString('hex'), '80030007000000080000000000000000');
  });
});
