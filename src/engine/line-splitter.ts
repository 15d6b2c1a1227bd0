import { StringDecoder } from 'node:string_decoder';

/** Makes lines of chunks that may end anywhere, even inside a character. Newlines (and a CR before one) are dropped. */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  push(chunk: Buffer): string[] {
    const lines = (this.#rest + this.#decoder.write(chunk)).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.map(dropReturn);
  }

  /** @returns the last line, where the stream did not end with a newline. */
  end(): string[] {
    const last = this.#rest + this.#decoder.end();
    this.#rest = '';
    return last === '' ? [] : [dropReturn(last)];
  }
}

function dropReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
