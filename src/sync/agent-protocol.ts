import { frameKinds, messageMark } from './agent.ts';

/** What the agent says when it is ready for frames. */
export interface AgentHello {
  /** The version of node. */
  readonly ready: string;
  readonly uid: number;
  readonly gid: number;
}

/** One for each file of the batch, in its order. */
export interface AgentAnswer {
  readonly id: number;
  readonly results: readonly AgentResult[];
}

type AgentResult =
  /** `sha256`: of the bytes that were written; without it the file was removed. */
  { readonly sha256?: string } | AgentError;

export interface AgentError {
  /** The container's errno (`EACCES`, `EROFS`, `ENOSPC` …), or `EOUTSIDE`. */
  readonly code: string;
  readonly message: string;
  /** The nearest folder that exists, and whose it is. */
  readonly owner?: { readonly folder: string; readonly uid: number; readonly gid: number };
}

export type AgentMessage = AgentHello | AgentAnswer;

/** @param body bytes, or what becomes JSON. */
export function encodeFrame(kind: keyof typeof frameKinds, body: Buffer | object = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length + 1, 0);
  head.writeUInt8(frameKinds[kind], 4);
  return Buffer.concat([head, bytes]);
}

/** The agent's messages in what a container prints, cut anywhere; other lines are not the agent's. */
export async function* readMessages(stdout: AsyncIterable<Buffer>): AsyncGenerator<AgentMessage, void, void> {
  let parts: Buffer[] = [];
  for await (const chunk of stdout) {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      const line = Buffer.concat([...parts, chunk.subarray(from, at)]).toString('utf8');
      parts = [];
      from = at + 1;
      // What a container prints without a newline can stand before it on the same line.
      const mark = line.indexOf(messageMark);
      if (mark >= 0) yield JSON.parse(line.slice(mark + messageMark.length)) as AgentMessage;
    }
    if (from < chunk.length) parts.push(Buffer.from(chunk.subarray(from)));
  }
}
