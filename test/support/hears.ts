import assert from 'node:assert/strict';
import type { Readable } from 'node:stream';

/** Asserts that what comes next is that text, in however many pieces. It fails too when the stream ends or breaks before. */
export async function hears(stream: Readable, text: string): Promise<void> {
  const length = Buffer.byteLength(text);
  const pieces: Buffer[] = [];
  const heard = () => Buffer.concat(pieces);
  await new Promise<void>((resolve, reject) => {
    const end = (settle: () => void) => {
      stream.off('data', take).off('close', close).off('error', close);
      settle();
    };
    const take = (bytes: Buffer) => {
      pieces.push(bytes);
      if (heard().length >= length) end(resolve);
    };
    const close = (error?: Error) =>
      end(() => reject(error ?? new Error(`closed after ${JSON.stringify(String(heard()))}`)));
    stream.on('data', take).once('close', close).once('error', close);
  });
  assert.equal(heard().toString(), text);
}
