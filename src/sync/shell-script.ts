import type { AgentLink } from './agent-link.ts';
import { type FileStep, openIfThere, readPieces } from './file-step.ts';
import { scriptEnd } from './shell-agent-source.ts';
import { findErrorCode, quote, quoteBytes } from './shell-text.ts';
import type { AgentError } from './sync-agent.ts';

/** What a shell said of the steps that a script was about. */
export class ShellAnswer {
  readonly errors = new Map<number, AgentError>();
  /** Steps whose folder is not in their root. */
  readonly outside: number[] = [];
  readonly #files: number[] = [];
  readonly #facts: string[] = [];
  #owner: AgentError['owner'];

  take(message: string): void {
    const [word = '', first = '', ...rest] = message.split(' ');
    switch (word) {
      case 'outside':
        this.outside.push(...readIds(first));
        break;
      case 'file':
        this.#files.push(Number(first));
        break;
      case 'stat':
        this.#facts.push([first, ...rest].join(' '));
        break;
      case 'hash': {
        // GNU puts a backslash before it when it wrote the path otherwise, and busybox makes two lines of a path with a newline.
        const [, hash] = /^\\?([0-9a-f]{64})$/.exec(first) ?? [];
        if (hash !== undefined) this.#facts.push(hash);
        break;
      }
      case 'owner':
        this.#owner = { uid: Number(first), gid: Number(rest[0]), folder: rest.slice(1).join(' ') };
        break;
      case 'bad':
        this.#takeError(first, rest.join(' ') || 'it failed, and did not say why');
        break;
      default: // `taken`: bytes come in.
    }
  }

  /** What was told of each regular file that was asked about and is there: its hash, or `644 0 0`, its mode, uid and gid. */
  get facts(): ReadonlyMap<number, string> {
    if (this.#files.length !== this.#facts.length) throw new Error('a file vanished while it was looked at');
    return new Map(this.#files.map((id, i) => [id, this.#facts[i] ?? '']));
  }

  #takeError(ids: string, message: string): void {
    const error = { code: findErrorCode(message), message, ...(this.#owner && { owner: this.#owner }) };
    for (const id of readIds(ids)) if (!this.errors.has(id)) this.errors.set(id, error);
  }
}

const scriptBytes = 2 ** 18;
/** Text costs no process, and a `printf` that is none of the shell's own takes 128 KiB. */
const textBytes = 2 ** 16;
const pieceBytes = 2 ** 20;

/** Commands for a shell agent, sent as they grow. */
export class ShellScript {
  readonly #link: AgentLink;
  #commands: string[] = [];
  #bytes = 0;

  constructor(link: AgentLink) {
    this.#link = link;
  }

  async add(command: string): Promise<void> {
    this.#commands.push(command);
    this.#bytes += command.length;
    if (this.#bytes >= scriptBytes) await this.#send();
  }

  /** Asks about the regular files among these, in one process: `owners` or `hashes`. */
  async addQuestion(question: string, files: readonly { readonly id: number; readonly path: string }[]): Promise<void> {
    const entries = files.map(({ id, path }) => `entry ${id} ${quote(path)} && set -- "$@" ${quote(path)}`);
    await this.add(['set --', ...entries, `${question} "$@"`].join('\n'));
  }

  /** Writes a step's bytes to a new file. @returns their SHA-256; undefined when there is no local file any more. */
  async addFile(
    id: number,
    path: string,
    mode: number,
    step: Exclude<FileStep, { kind: 'remove' }>,
  ): Promise<string | undefined> {
    const place = `${id} ${quote(path)} ${(0o777 & ~mode).toString(8).padStart(4, '0')}`;
    if (step.kind === 'write') {
      const text = step.bytes.length > textBytes ? undefined : quoteBytes(step.bytes);
      if (text !== undefined && text.length <= textBytes) await this.add(`text ${place} ${text}`);
      else await this.#addPieces(place, step.bytes);
      return step.sha256;
    }
    const file = await openIfThere(step);
    if (!file) return undefined;
    await using _ = file;
    return await readPieces(file, step, pieceBytes, (piece) => this.#addPieces(place, piece));
  }

  /** Sends what was added, and waits for all that the shell has to say of it. */
  async ask(): Promise<ShellAnswer> {
    this.#commands.push('say done');
    await this.#send();
    const answer = new ShellAnswer();
    for (;;) {
      const message = await this.#link.next();
      if (message === 'done') return answer;
      answer.take(message);
    }
  }

  async #addPieces(place: string, bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const piece = bytes.subarray(at, at + pieceBytes);
      this.#commands.push(`piece ${place} ${piece.length}`);
      await this.#send(piece);
    }
  }

  /** @param bytes what the last command takes. */
  async #send(bytes: Buffer = Buffer.alloc(0)): Promise<void> {
    const script = Buffer.from(`${this.#commands.join('\n')}\n${scriptEnd}`);
    this.#commands = [];
    this.#bytes = 0;
    await this.#link.write(Buffer.concat([Buffer.from(`${script.length}\n`), script, bytes]));
  }
}

function readIds(text: string): readonly number[] {
  return text.split(',').map(Number);
}
