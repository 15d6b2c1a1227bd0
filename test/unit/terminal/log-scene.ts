import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { LogReport } from '../../../src/events.ts';
import { Terminal } from '../../../src/terminal/terminal.ts';

/** @returns a line of the log of one container. */
export function logOf(line: string): LogReport {
  return {
    type: 'log',
    source: 'web',
    namespace: 'n',
    pod: 'web-1',
    container: 'main',
    stamp: '2026-01-01T00:00:00.000000000Z',
    line,
  };
}

/** A session's terminal, without colours, whose keys are pressed and whose words are read. */
export class AttendedTerminal implements Disposable {
  readonly terminal: Terminal;
  readonly #stdin = Object.assign(new PassThrough(), { isTTY: true });
  readonly #stdout = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY: true, columns: 80 });

  constructor() {
    this.terminal = new Terminal({
      output: 'text',
      detail: 'normal',
      colour: 'never',
      streams: true,
      stdout: this.#stdout,
      stderr: this.#stdout,
      env: {},
    });
    this.terminal.interact({ stdin: this.#stdin, onAsked: () => {}, onInterrupt: () => {} });
  }

  press(keys: string): void {
    this.#stdin.write(keys);
  }

  /** @returns what is said from the last call on until it has that part. */
  async until(part: string): Promise<string> {
    let text = '';
    while (!text.includes(part)) {
      const chunk = this.#stdout.read() as string | null;
      if (chunk === null) await once(this.#stdout, 'readable');
      else text += chunk;
    }
    return text;
  }

  [Symbol.dispose](): void {
    this.terminal[Symbol.dispose]();
  }
}
