/**
 * Decodes a stream of JSON documents, one a line, wherever the chunks break.
 *
 * @param onBytes called for every chunk.
 * @throws what the stream throws; SyntaxError for a line that is not JSON; an ECONNRESET error when it ends inside a line.
 */
export async function* parseJsonLines<T>(
  chunks: AsyncIterable<Buffer>,
  onBytes: () => void,
): AsyncGenerator<T, void, void> {
  let pending: Buffer[] = [];
  for await (const chunk of chunks) {
    onBytes();
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      pending.push(chunk.subarray(start, end));
      const line = Buffer.concat(pending);
      pending = [];
      start = end + 1;
      if (line.length > 0) yield JSON.parse(line.toString('utf8')) as T;
    }
    if (start < chunk.length) pending.push(chunk.subarray(start));
  }
  if (pending.length > 0) throw Object.assign(new Error('the stream ended inside a line'), { code: 'ECONNRESET' });
}
