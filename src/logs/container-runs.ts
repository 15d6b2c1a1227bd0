import type { Kube } from '../kube/kube.ts';
import { Scope } from '../lib/scope.ts';
import { backoff } from '../lib/wait.ts';
import type { KubeObject } from '../objects.ts';
import { readPod } from '../pods/pod-state.ts';
import type { ContainerState, PodState } from '../pods/pod-state.ts';
import type { PodView } from '../pods/pod-view.ts';

export interface ContainerRunsOptions {
  readonly kube: Kube;
  readonly view: PodView;
  readonly pod: PodState;
  readonly container: string;
}

/** The runs of one container as the view shows them and, where it may be behind, as the cluster says. */
export class ContainerRuns {
  readonly #options: ContainerRunsOptions;
  readonly #signal: AbortSignal;

  constructor(options: ContainerRunsOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** The run that goes on, or the last one; undefined: the pod is gone. */
  now(): ContainerState | undefined {
    return this.#find(this.#options.view.pods());
  }

  /** Whether no other run has begun since. */
  isLast(run: ContainerState): boolean {
    return this.now()?.containerId === run.containerId;
  }

  /** Waits for a run other than `told`. @returns undefined when the pod is gone. */
  async next(told: string | undefined): Promise<ContainerState | undefined> {
    await this.#options.view.until((pods) => {
      const now = this.#find(pods);
      return !now || (now.containerId !== undefined && now.containerId !== told);
    }, this.#signal);
    return this.now();
  }

  /** Resolves when another run begins or, unless it is over, when the run's end is known; after `ms` at the latest. */
  async untilNews(run: ContainerState, { over, ms }: { readonly over: boolean; readonly ms: number }): Promise<void> {
    await using limit = new Scope(this.#signal);
    const timer = setTimeout(() => void limit[Symbol.asyncDispose](), ms);
    try {
      await this.#options.view.until((pods) => {
        const now = this.#find(pods);
        return now?.containerId !== run.containerId || (!over && now?.state !== 'running');
      }, limit.signal);
    } catch (error) {
      if (this.#signal.aborted || !limit.signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Asks the cluster: a log is asked for by the pod's name, which may have passed to another pod. */
  async isPodThere(): Promise<boolean> {
    const found = await this.#askPod().catch((error: unknown) => this.#unlessAborted(error));
    return found?.uid === this.#options.pod.uid;
  }

  /** Asks the cluster whether the run is the one that the container's log is of. */
  async isCurrent(run: ContainerState): Promise<boolean> {
    const found = await this.#askPod().catch((error: unknown) => this.#unlessAborted(error));
    return found !== undefined && this.#isOf(found, run);
  }

  /**
   * Asks the cluster, until it answers, whether what was just read of the log is of another run, or of another pod of that
   * name. Where no pod has the name any more it was the run's own; where the view shows another run first, it is that one's.
   * Throws what ends the view.
   */
  async isOther(run: ContainerState): Promise<boolean> {
    const delays = backoff(100, 2000);
    do {
      try {
        const found = await this.#askPod();
        return found !== undefined && !this.#isOf(found, run);
      } catch (error) {
        this.#unlessAborted(error);
      }
      await this.untilNews(run, { over: true, ms: delays.next() });
    } while (this.isLast(run));
    return this.now() !== undefined;
  }

  #isOf({ uid, containers }: PodState, { containerId }: ContainerState): boolean {
    return uid === this.#options.pod.uid && containers.some((each) => each.containerId === containerId);
  }

  /** Nobody answers: the log is asked for again, and this with it. */
  #unlessAborted(error: unknown): undefined {
    if (this.#signal.aborted) throw error;
  }

  /** @returns the pod that has the name now, as the API server has it. */
  async #askPod(): Promise<PodState | undefined> {
    const { kube, pod } = this.#options;
    const path = `/api/v1/namespaces/${pod.namespace}/pods`;
    const query = { fieldSelector: `metadata.name=${pod.name}` };
    const { items } = await kube.request<{ items: KubeObject[] }>({ method: 'GET', path, query, signal: this.#signal });
    const found = items.find(({ metadata }) => metadata.name === pod.name);
    return found && readPod(found);
  }

  #find(pods: readonly PodState[]): ContainerState | undefined {
    const pod = pods.find(({ uid }) => uid === this.#options.pod.uid);
    return pod?.containers.find(({ name }) => name === this.#options.container);
  }
}
