import type { Drained, Reporter } from '../events.ts';
import type { Kube, LogRequest } from '../kube/kube.ts';
import type { Mask } from '../lib/mask.ts';
import { backoff } from '../lib/wait.ts';
import type { PodState } from '../pods/pod-state.ts';
import type { PodView } from '../pods/pod-view.ts';
import type { DoubtTiming } from './doubt.ts';
import type { Filter } from './exclude.ts';
import type { Known } from './log-choice.ts';
import { readStream, type StreamEnd } from './log-stream.ts';
import { Position, type Reading } from './position.ts';
import type { CatchUp, Recovery } from './recovery.ts';
import type { StampedLine } from './stamped-lines.ts';
import { type LineTeller, lineTeller } from './tell-line.ts';

export interface ContainerLogOptions {
  readonly kube: Kube;
  readonly view: PodView;
  readonly pod: PodState;
  readonly container: string;
  readonly source: string;
  readonly filter: Filter;
  readonly mask: Mask;
  /** See FollowLogsOptions. */
  readonly known?: Known | undefined;
  readonly recovery: Recovery;
  readonly report: Reporter;
  /** Nothing more is read until there is room for it. */
  readonly drained: Drained;
  readonly doubt: DoubtTiming;
}

/** The log of one container, through all its runs, as far as it was told; with what is said of cuts and gaps in it. */
export class ContainerLog {
  readonly position = new Position();
  /** Between two tries to read it. */
  readonly delays = backoff(100, 5000);
  /** The run, by its restarts, that is being read. */
  readRun = 0;
  readonly #options: ContainerLogOptions;
  readonly #signal: AbortSignal;
  readonly #lines: LineTeller;
  #lastRun: number | undefined;
  /** The stamp of the last line before a gap that the next line ends. */
  #gapFrom: string | undefined;
  #tail: StampedLine | undefined;
  #catchUp: CatchUp | undefined;
  #lastMessage: string | undefined;
  #toldMessage: string | undefined;

  constructor(options: ContainerLogOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    const { source, container, pod } = options;
    const init = pod.containers.some(({ name, init }) => init && name === container);
    this.#lines = lineTeller({ source, namespace: pod.namespace, pod: pod.name, container, init }, options);
  }

  /** The unfinished line at the end of the last stream, as long as its rest may come. */
  get tail(): StampedLine | undefined {
    return this.#tail;
  }

  /** The run, by its restarts, whose line was told last. */
  get lastRun(): number | undefined {
    return this.#lastRun;
  }

  /** Reads the log once from where it was told to; see `readStream`. */
  async pass(
    options: Partial<LogRequest>,
    reading: Reading,
    take: (line: StampedLine) => boolean | Promise<boolean>,
  ): Promise<StreamEnd> {
    const { kube, pod, container, known, drained, doubt } = this.#options;
    // Only when there is a line: what its run was given had been written before.
    let isKnown = known === undefined;
    const learn = async () => {
      await known?.(pod, this.#signal);
      isKnown = true;
    };
    const since = this.position.since;
    const unfinished = this.#tail;
    let servedFrom: number | undefined;
    let newest = '';
    const request = { namespace: pod.namespace, pod: pod.name, container, ...options };
    const end = await readStream(
      kube,
      since === undefined ? request : { ...request, sinceTime: since },
      this.#signal,
      (line) => {
        servedFrom ??= performance.now();
        if (unfinished && line.stamp > newest) newest = line.stamp;
        return isKnown ? take(line) : learn().then(() => take(line));
      },
      { drained, doubt },
    );
    if (end.tail && !isKnown) await learn();
    if (end.gotData && !end.letGo) {
      if (servedFrom !== undefined) this.delays.servedFor(performance.now() - servedFrom);
      const tail = end.tail && reading.isNew(end.tail) ? end.tail : undefined;
      const isKept = end.kind === 'cut' && this.#tail === unfinished && isAhead(unfinished, tail, newest);
      if (!isKept) this.#tail = tail;
    }
    if (end.message !== undefined) this.#takeMessage(end.message);
    return end;
  }

  tell(line: StampedLine): void {
    if (this.#gapFrom !== undefined) this.#tellGap(line.stamp);
    this.passOver(line);
    this.delays.reset();
    if (!line.rest || line.text !== '') this.#catchUp?.gotLine();
    this.#lines.tell(line);
  }

  /** Takes a line for told. */
  passOver(line: StampedLine): void {
    this.position.tell(line);
    this.#lastRun = this.readRun;
  }

  /** The container has ended, so nothing will end its last line. */
  tellTail(): void {
    const tail = this.#tail;
    this.#tail = undefined;
    if (tail) this.tell({ ...tail, ended: true });
  }

  /** What is unfinished comes again whole, or is not wanted. */
  dropTail(): void {
    this.#tail = undefined;
  }

  /** Lines behind the last one that was told are gone: the next line ends the gap. */
  miss(): void {
    this.#gapFrom = this.position.last;
  }

  /** As `miss`, where nobody knows whether a line will come that could end the gap. */
  tellLoss(): void {
    this.miss();
    this.#tellGap(undefined);
  }

  /** Of a run that goes on the stream was cut. */
  lose(): void {
    if (!this.#catchUp?.active) this.#catchUp = this.#options.recovery.begin(this.#options.source);
  }

  /** Taken up again, the stream gave something. */
  recover(): void {
    this.#catchUp?.gotData();
  }

  /** Nothing is cut any more, or nothing will come. */
  settle(): void {
    this.#catchUp?.end();
  }

  /** The pod is gone. @param isBroken lines may have been written behind the last one that was told. */
  end(isBroken: boolean): void {
    this.tellTail();
    this.#lines.end();
    if (isBroken) this.#gapFrom ??= this.position.last;
    this.#tellGap(undefined);
  }

  /**
   * Told once, when the node says it again: of a container that is just being replaced it says once that its log can't be
   * had, and the next try finds that of the new one.
   */
  #takeMessage(message: string): void {
    const isSame = this.#lastMessage === message;
    this.#lastMessage = message;
    if (!isSame || this.#toldMessage === message || this.#isOfTheGone(message)) return;
    this.#toldMessage = message;
    const { pod, container, source, report } = this.#options;
    report({ type: 'warning', service: source, text: `no log of ${pod.name}/${container}: ${message}` });
  }

  /** Of a pod that goes, or a container that another one has replaced, nobody expects more. */
  #isOfTheGone(message: string): boolean {
    const { view, pod, container } = this.#options;
    const now = view.pods().find(({ uid }) => uid === pod.uid);
    if (!now || now.deleting) return true;
    // https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/kuberuntime/kuberuntime_container.go
    const id = /^unable to retrieve container logs for (\S+)/.exec(message)?.[1];
    return id !== undefined && now.containers.every((each) => each.name !== container || each.containerId !== id);
  }

  #tellGap(to: string | undefined): void {
    const from = this.#gapFrom;
    this.#gapFrom = undefined;
    if (from === undefined) return;
    const { pod, container, source, report } = this.#options;
    report({ type: 'log.gap', source, namespace: pod.namespace, pod: pod.name, container, from, to });
  }
}

/** Whether the unfinished line that was known is more than what a stream gave before it was cut. */
function isAhead(known: StampedLine | undefined, tail: StampedLine | undefined, newest: string): boolean {
  if (!known || known.rest || newest >= known.stamp) return false;
  return tail?.stamp !== known.stamp || tail.text.length < known.text.length;
}
