import type { BuildProgress } from './engine.ts';
import { LineSplitter } from './line-splitter.ts';
import { readFields } from './protobuf.ts';

/** How many of a step's last lines a failure shows. */
const tailLength = 20;

interface Step {
  name: string;
  readonly splitter: LineSplitter;
  readonly tail: string[];
  started: boolean;
  completed: boolean;
  error: string | undefined;
}

interface Vertex {
  digest: string;
  name: string;
  cached: boolean;
  startedMs: number | undefined;
  completedMs: number | undefined;
  error: string | undefined;
}

/**
 * Follows one build through its `moby.buildkit.trace` frames, and remembers enough to say which step failed. Decoded by
 * hand: docker-modem's own decoder leaves the output in base64 and costs protobufjs.
 * https://github.com/moby/buildkit/blob/v0.8.3/api/services/control/control.proto (StatusResponse)
 */
export class BuildTrace {
  readonly #steps = new Map<string, Step>();

  /** @param aux a base64 StatusResponse. @returns what is new in it: each step starts once and ends once. */
  read(aux: string): BuildProgress[] {
    const progress: BuildProgress[] = [];
    for (const { number, bytes } of readFields(Buffer.from(aux, 'base64'))) {
      if (number === 1 && bytes) progress.push(...this.#see(readVertex(bytes)));
      if (number === 3 && bytes) progress.push(...this.#hear(readLog(bytes)));
    }
    return progress;
  }

  /** @returns the step that failed, not one that was cancelled because of it, and the end of what it printed. */
  failure(): { readonly name: string; readonly output: readonly string[] } | undefined {
    const failed = [...this.#steps.values()].filter((step) => step.error !== undefined);
    const step = failed.find(({ error }) => !error?.includes('context canceled')) ?? failed[0];
    return step && { name: step.name, output: step.tail };
  }

  #see(vertex: Vertex): BuildProgress[] {
    const step = this.#steps.get(vertex.digest) ?? newStep();
    this.#steps.set(vertex.digest, step);
    step.name = vertex.name;
    const progress: BuildProgress[] = [];
    if (vertex.startedMs !== undefined && !step.started) {
      step.started = true;
      if (vertex.completedMs === undefined) progress.push({ type: 'started', name: step.name });
    }
    step.error = vertex.error ?? step.error;
    if (vertex.completedMs !== undefined && !step.completed) {
      step.completed = true;
      progress.push(...keep(step, step.splitter.end()));
      const ms = vertex.completedMs - (vertex.startedMs ?? vertex.completedMs);
      if (vertex.error === undefined) progress.push({ type: 'step', name: step.name, cached: vertex.cached, ms });
    }
    return progress;
  }

  #hear({ digest, message }: { digest: string; message: Buffer }): BuildProgress[] {
    const step = this.#steps.get(digest) ?? newStep();
    this.#steps.set(digest, step);
    return keep(step, step.splitter.push(message));
  }
}

function newStep(): Step {
  return { name: '', splitter: new LineSplitter(), tail: [], started: false, completed: false, error: undefined };
}

function keep(step: Step, lines: readonly string[]): BuildProgress[] {
  const drawn = lines.map(lastDrawn);
  step.tail.push(...drawn);
  step.tail.splice(0, step.tail.length - tailLength);
  return drawn.map((line) => ({ type: 'output', line }));
}

/** A progress bar redraws its line after a carriage return: what a terminal would show of it is the last drawing. */
function lastDrawn(line: string): string {
  return line.slice(line.lastIndexOf('\r') + 1);
}

function readVertex(message: Buffer): Vertex {
  const vertex: Vertex = {
    digest: '',
    name: '',
    cached: false,
    startedMs: undefined,
    completedMs: undefined,
    error: undefined,
  };
  for (const { number, value, bytes } of readFields(message)) {
    if (number === 1 && bytes) vertex.digest = bytes.toString('utf8');
    if (number === 3 && bytes) vertex.name = bytes.toString('utf8');
    if (number === 4) vertex.cached = value === 1;
    if (number === 5 && bytes) vertex.startedMs = readTimestamp(bytes);
    if (number === 6 && bytes) vertex.completedMs = readTimestamp(bytes);
    if (number === 7 && bytes && bytes.length > 0) vertex.error = bytes.toString('utf8');
  }
  return vertex;
}

function readLog(message: Buffer): { digest: string; message: Buffer } {
  const log = { digest: '', message: Buffer.alloc(0) as Buffer };
  for (const { number, bytes } of readFields(message)) {
    if (number === 1 && bytes) log.digest = bytes.toString('utf8');
    if (number === 4 && bytes) log.message = bytes;
  }
  return log;
}

/** google.protobuf.Timestamp. @returns milliseconds. */
function readTimestamp(message: Buffer): number {
  let ms = 0;
  for (const { number, value = 0 } of readFields(message)) ms += number === 1 ? value * 1000 : value / 1e6;
  return ms;
}
