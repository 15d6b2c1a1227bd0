export interface OutputChunk {
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: Buffer;
}

const headerLength = 8;

/**
 * Takes apart the output of a container without a terminal: frames of one byte stream type, three zeros, a big-endian
 * length, and the bytes. https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
 */
export async function* demux(chunks: AsyncIterable<Buffer>): AsyncGenerator<OutputChunk, void, void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= headerLength) {
      const end = headerLength + rest.readUInt32BE(4);
      if (rest.length < end) break;
      yield { stream: rest[0] === 2 ? 'stderr' : 'stdout', bytes: rest.subarray(headerLength, end) };
      rest = rest.subarray(end);
    }
  }
}
