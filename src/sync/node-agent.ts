import type { AgentLink } from './agent-link.ts';
import { type FileStep, openIfThere, readPieces } from './file-step.ts';
import { frameKinds, nodeAgentSource } from './node-agent-source.ts';
import { type AgentError, type AgentProgram, mismatch, type SyncAgent } from './sync-agent.ts';

type Message =
  | { readonly ready: string; readonly uid: number; readonly gid: number }
  | { readonly taking: true }
  /** One result for each step of the batch, in its order. */
  | { readonly id: number; readonly results: readonly Result[] };

/** `sha256`: of the bytes that were written; without it the file was removed. */
type Result = { readonly sha256?: string } | AgentError;

/** One message of many small files is twice as quick as a message for each of them. */
const messageBytes = 2 ** 20;
const chunkBytes = 2 ** 18;

/** Distroless images have node, and not always a PATH that leads to it. */
export const nodeProgram: AgentProgram = {
  name: 'node',
  interpreters: ['node', '/nodejs/bin/node', '/usr/local/bin/node'],
  args: ['-e', nodeAgentSource],
  greet(hello, link) {
    const message = JSON.parse(hello) as Message;
    return 'ready' in message ? new NodeAgent(link, `${message.uid}:${message.gid}`) : `it began with ${hello}`;
  },
};

class NodeAgent implements SyncAgent {
  readonly user: string;
  readonly #link: AgentLink;
  #batches = 0;

  constructor(link: AgentLink, user: string) {
    this.#link = link;
    this.user = user;
  }

  async apply(steps: readonly FileStep[]): Promise<readonly (AgentError | undefined)[]> {
    const id = ++this.#batches;
    const message = new FrameMessage(this.#link);
    const hashes: (string | undefined)[] = [];
    for (const step of steps) hashes.push(await addStep(message, step));
    await message.add(encodeFrame('end', { id }));
    await message.flush();
    const results = await this.#answer(id);
    return steps.map((_, i) => {
      const result = results[i];
      if (!result) return { code: 'EMISSING', message: 'the container did not answer for it' };
      if ('code' in result) return result;
      return result.sha256 === hashes[i] ? undefined : mismatch;
    });
  }

  async #answer(id: number): Promise<readonly Result[]> {
    for (;;) {
      const message = JSON.parse(await this.#link.next()) as Message;
      if ('results' in message && message.id === id) return message.results;
    }
  }
}

/** @returns the SHA-256 of what was sent, undefined where nothing was. */
async function addStep(message: FrameMessage, step: FileStep): Promise<string | undefined> {
  const { to: path, root } = step;
  switch (step.kind) {
    case 'remove':
      await message.add(encodeFrame('remove', { path, root }));
      return undefined;
    case 'write':
      await message.add(encodeFrame('begin', { path, root, mode: step.mode, modeChanged: step.modeChanged }));
      for (let at = 0; at < step.bytes.length; at += chunkBytes) {
        await message.add(encodeFrame('data', step.bytes.subarray(at, at + chunkBytes)));
      }
      await message.add(encodeFrame('commit'));
      return step.sha256;
    case 'stream': {
      const file = await openIfThere(step);
      if (!file) {
        await message.add(encodeFrame('remove', { path, root }));
        return undefined;
      }
      await using _ = file;
      await message.add(encodeFrame('begin', { path, root, mode: step.mode, modeChanged: step.modeChanged }));
      const sha256 = await readPieces(file, step, chunkBytes, (piece) => message.add(encodeFrame('data', piece)));
      await message.add(encodeFrame('commit'));
      return sha256;
    }
  }
}

/** @param body bytes, or what becomes JSON. */
function encodeFrame(kind: keyof typeof frameKinds, body: Buffer | object = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length + 1, 0);
  head.writeUInt8(frameKinds[kind], 4);
  return Buffer.concat([head, bytes]);
}

/** Joins frames until they are worth a message. */
class FrameMessage {
  readonly #link: AgentLink;
  #frames: Buffer[] = [];
  #bytes = 0;

  constructor(link: AgentLink) {
    this.#link = link;
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
    await this.#link.write(message);
  }
}
