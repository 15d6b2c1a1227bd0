import { Failure } from '../errors.ts';
import { LineSplitter } from './line-splitter.ts';

/** One line of what `/build`, `/images/create` and `/images/NAME/push` answer with. */
export interface Frame {
  readonly id?: string;
  readonly aux?: unknown;
  readonly stream?: string;
  readonly status?: string;
  readonly error?: string;
}

/**
 * The frames of an answer, one JSON object a line. The engine answers 200 before it knows how the work ends, so the
 * reader must look for an `error` frame, and for the frame that says it worked: neither may be taken for granted.
 *
 * @throws Failure `unreachable` for a line that is no JSON: something else than an engine answers.
 */
export async function* readFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Frame, void, void> {
  const splitter = new LineSplitter();
  for await (const chunk of chunks) yield* parse(splitter.push(chunk));
  yield* parse(splitter.end());
}

function* parse(lines: readonly string[]): Generator<Frame, void, void> {
  for (const line of lines) {
    if (line.trim() === '') continue;
    try {
      yield JSON.parse(line) as Frame;
    } catch (error) {
      throw new Failure('unreachable', 'the Docker engine answered with something that is no JSON', {
        detail: line.slice(0, 200),
        cause: error,
      });
    }
  }
}
