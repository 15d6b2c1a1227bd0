/** One field of a message: its number, and a number (wire type 0) or the bytes of a string, message or blob (wire type 2). */
export type Field = { readonly number: number } & (
  | { readonly value: number; readonly bytes?: never }
  | { readonly bytes: Buffer; readonly value?: never }
);

/**
 * Reads the fields of a protobuf message, fixed-width ones skipped: BuildKit's messages have none that matter here.
 * https://protobuf.dev/programming-guides/encoding/
 */
export function* readFields(message: Buffer): Generator<Field, void, void> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message.readUInt8(at++);
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const key = varint();
    const number = key >>> 3;
    const wire = key & 7;
    if (wire === 0) yield { number, value: varint() };
    else if (wire === 2) {
      const length = varint();
      yield { number, bytes: message.subarray(at, at + length) };
      at += length;
    } else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else throw new RangeError(`a protobuf field of wire type ${wire} at byte ${at}`);
  }
}

export function encodeString(number: number, text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([encodeVarint((number << 3) | 2), encodeVarint(bytes.length), bytes]);
}

export function encodeNumber(number: number, value: number): Buffer {
  return Buffer.concat([encodeVarint(number << 3), encodeVarint(value)]);
}

function encodeVarint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}
