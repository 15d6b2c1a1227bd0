import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { ExecSession } from '../kube/kube.ts';
import { encodeFrame } from './agent-protocol.ts';
import type { FileStep } from './file-step.ts';

/** One message of many small files is twice as quick as a message for each of them. */
const messageBytes = 2 ** 20;
const chunkBytes = 2 ** 18;

/**
 * Writes a batch to an agent, and waits where the connection has no room.
 *
 * @returns the SHA-256 of what was sent for each step, undefined where nothing was.
 * @throws what the session or the local disk throws; then the agent is left with half a batch.
 */
export async function sendBatch(
  session: Pick<ExecSession, 'write'>,
  id: number,
  steps: readonly FileStep[],
): Promise<readonly (string | undefined)[]> {
  const message = new Message(session);
  const hashes: (string | undefined)[] = [];
  for (const step of steps) hashes.push(await addStep(message, step));
  await message.add(encodeFrame('end', { id }));
  await message.flush();
  return hashes;
}

async function addStep(message: Message, step: FileStep): Promise<string | undefined> {
  const { to: path, root } = step;
  switch (step.kind) {
    case 'remove':
      await message.add(encodeFrame('remove', { path, root }));
      return undefined;
    case 'write':
      await message.add(encodeFrame('begin', { path, root, mode: step.mode }));
      for (let at = 0; at < step.bytes.length; at += chunkBytes) {
        await message.add(encodeFrame('data', step.bytes.subarray(at, at + chunkBytes)));
      }
      await message.add(encodeFrame('commit'));
      return step.sha256;
    case 'stream': {
      const file = await openIfThere(step.from);
      if (!file) {
        await message.add(encodeFrame('remove', { path, root }));
        return undefined;
      }
      await using _ = file;
      await message.add(encodeFrame('begin', { path, root, mode: step.mode }));
      const hash = createHash('sha256');
      for await (const chunk of file.createReadStream({ highWaterMark: chunkBytes, autoClose: false })) {
        hash.update(chunk as Buffer);
        await message.add(encodeFrame('data', chunk as Buffer));
      }
      await message.add(encodeFrame('commit'));
      return hash.digest('hex');
    }
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Joins frames until they are worth a message. */
class Message {
  readonly #session: Pick<ExecSession, 'write'>;
  #frames: Buffer[] = [];
  #bytes = 0;

  constructor(session: Pick<ExecSession, 'write'>) {
    this.#session = session;
  }

  async add(frame: Buffer): Promise<void> {
    this.#frames.push(frame);
    this.#bytes += frame.length;
    if (this.#bytes >= messageBytes) await this.flush();
  }

  async flush(): Promise<void> {
    const message = Buffer.concat(this.#frames);
    this.#frames = [];
    this.#bytes = 0;
    await this.#session.write(message);
  }
}
