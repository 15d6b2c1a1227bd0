import { once, EventEmitter } from 'node:events';
import type { LogRequest, WatchEvent, WatchRequest } from '../../../src/kube/kube.ts';
import { cut, FakeKube, refusal } from '../../support/fake-kube.ts';

const labels = { 'stormctl.dev/project': 'p' };
const path = (pod: string) => `/api/v1/namespaces/storm/pods/${pod}/log`;

/** One run of a container, and what it printed. */
class Run {
  readonly id: string;
  readonly lines: { readonly stamp: string; readonly bytes: Buffer<ArrayBuffer> }[] = [];
  readonly news = new EventEmitter().setMaxListeners(0);
  over = false;
  /** Streams that were begun before it grew have ended, with nothing said of why. */
  epoch = 0;

  constructor(id: string) {
    this.id = id;
  }
}

/**
 * A cluster with one pod and one container, whose log answers as a kubelet does: `sinceTime` in whole seconds, the run
 * that goes on or the one before it, a stream that ends with the run. Tests play the container, and the scissors.
 */
export class PrintingKube extends FakeKube {
  readonly runs: Run[] = [];
  readonly asked: LogRequest[] = [];
  /** How many bytes the next stream may give before it breaks; undefined: it does not. */
  cutAfter: () => number | undefined = () => undefined;
  /** What the next streams answer instead of lines. */
  readonly refusals: Error[] = [];
  open = 0;
  /** Streams that are open give nothing more, and do not end; those that are opened from then on do as ever. */
  stalls = false;
  /** Whether the node has the log of the run before the one that goes on. */
  keepsPrevious = true;
  readonly #pod: string;
  #uid: string;
  #hidden: Promise<void> = Promise.resolve();

  constructor(pod = 'web-0', uid = 'uid-1') {
    super({ namespaces: ['storm'] });
    this.#pod = pod;
    this.#uid = uid;
  }

  /** The pod as the API server shows it; without a run its container waits. */
  show(state: 'waiting' | 'running' | 'terminated', uid = this.#uid): void {
    const index = this.runs.length - 1;
    const run = this.runs[index];
    const before = this.runs[index - 1];
    this.#uid = uid;
    const metadata = { name: this.#pod, namespace: 'storm', uid, labels, creationTimestamp: '2026-01-01T00:00:00Z' };
    const containerStatuses = [
      {
        name: 'main',
        restartCount: Math.max(0, index),
        ...(run ? { containerID: run.id } : {}),
        state: { [state]: state === 'terminated' ? { exitCode: 1 } : {} },
        ...(before ? { lastState: { terminated: { containerID: before.id, exitCode: 1 } } } : {}),
      },
    ];
    const there = this.find('Pod', this.#pod, 'storm');
    if (there && there.metadata.uid !== uid) this.remove(there);
    this.put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: { containers: [{ name: 'main', image: 'web' }] },
      status: { phase: 'Running', containerStatuses },
    });
  }

  /** How many streams wait for more of the run that goes on. */
  get waiting(): number {
    return this.runs.at(-1)?.news.listenerCount('news') ?? 0;
  }

  /** The pod leaves the cluster. */
  gone(): void {
    this.end();
    const pod = this.find('Pod', this.#pod, 'storm');
    if (pod) this.remove(pod);
  }

  /** A run begins; the one before it is over. */
  start(): void {
    this.end();
    this.runs.push(new Run(`containerd://${this.#uid}-${this.runs.length}`));
  }

  /** The run is over: its streams end. */
  end(): void {
    const run = this.runs.at(-1);
    if (!run) return;
    run.over = true;
    run.news.emit('news');
  }

  /** Every open stream ends as if its log were complete, though the run goes on. */
  endStreams(): void {
    const run = this.runs.at(-1);
    if (!run) return;
    run.epoch++;
    run.news.emit('news');
  }

  /** The next streams break after so many bytes, one after the other. */
  cutAt(...bytes: readonly number[]): void {
    const cuts = [...bytes];
    this.cutAfter = () => cuts.shift();
  }

  print(stamp: string, text: string, newline = '\n'): void {
    const run = this.runs.at(-1);
    run?.lines.push({ stamp, bytes: Buffer.from(`${stamp} ${text}${newline}`) });
    run?.news.emit('news');
  }

  /** Adds to a line that was printed without a newline. */
  printRest(text: string): void {
    const run = this.runs.at(-1);
    run?.lines.push({ stamp: run.lines.at(-1)?.stamp ?? '', bytes: Buffer.from(text) });
    run?.news.emit('news');
  }

  /** Watches are silent until `until`; everything else goes on. */
  hideFromWatches(until: Promise<void>): void {
    this.#hidden = until;
  }

  /** As `hideFromWatches`. @returns what ends it. */
  hide(): () => void {
    let release: () => void = () => {};
    this.hideFromWatches(
      new Promise<void>((resolve) => {
        release = resolve;
      }),
    );
    return release;
  }

  override async *watch(request: WatchRequest, signal: AbortSignal): AsyncGenerator<WatchEvent, void, void> {
    for await (const event of super.watch(request, signal)) {
      await this.#hidden;
      yield event;
    }
  }

  override async *logs(request: LogRequest, signal: AbortSignal): AsyncGenerator<Buffer<ArrayBuffer>, undefined, void> {
    signal.throwIfAborted();
    this.asked.push(request);
    this.open++;
    try {
      await new Promise(setImmediate);
      const refused = this.refusals.shift();
      if (refused) throw refused;
      if (request.pod !== this.#pod || !this.find('Pod', this.#pod, 'storm'))
        throw refusal('GET', path(request.pod), 404, 'NotFound', `pods "${request.pod}" not found`);
      const run = request.previous && !this.keepsPrevious ? undefined : this.runs.at(request.previous ? -2 : -1);
      if (!run) throw refusal('GET', path(request.pod), 400, 'BadRequest', 'container is waiting to start');
      yield* this.#scissors(this.#stream(run, request, signal));
      return undefined;
    } finally {
      this.open--;
    }
  }

  async *#stream(run: Run, { follow, sinceTime, tailLines }: LogRequest, signal: AbortSignal) {
    const since = sinceTime?.slice(0, 19) ?? '';
    const { epoch } = run;
    const wasStalled = this.stalls;
    let next = tailLines === undefined ? 0 : Math.max(0, run.lines.length - tailLines);
    for (;;) {
      const chunk = run.lines.slice(next).filter(({ stamp }) => stamp.slice(0, 19) >= since);
      next = run.lines.length;
      if (this.stalls && next > 0 && follow && !wasStalled) await once(signal, 'abort');
      signal.throwIfAborted();
      if (chunk.length > 0) yield Buffer.concat(chunk.map(({ bytes }) => bytes));
      else if (!follow || run.over || run.epoch !== epoch) return;
      else await once(run.news, 'news', { signal });
    }
  }

  async *#scissors(stream: AsyncIterable<Buffer<ArrayBuffer>>) {
    let left = this.cutAfter();
    for await (const chunk of stream) {
      if (left !== undefined && chunk.length >= left) {
        if (left > 0) yield chunk.subarray(0, left);
        throw cut();
      }
      if (left !== undefined) left -= chunk.length;
      yield chunk;
    }
  }
}
