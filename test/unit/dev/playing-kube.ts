import type { ExecRequest, ExecSession, KubeRequest } from '../../../src/kube/kube.ts';
import type { KubeObject } from '../../../src/objects.ts';
import { FakeKube } from '../../support/fake-kube.ts';

interface Template {
  readonly metadata: { readonly labels: Record<string, string> };
  readonly spec: { readonly containers: readonly { readonly name: string; readonly image: string }[] };
}

/** A cluster whose Deployments run one pod of their template at once, unless they are stuck. */
export class PlayingKube extends FakeKube {
  /** Deployments that never become ready. */
  readonly stuck = new Set<string>();
  /** Called after every request. */
  onRequest: (request: KubeRequest) => void = () => {};
  #pods = 0;

  constructor(exec?: (request: ExecRequest, signal: AbortSignal) => Promise<ExecSession>) {
    super({ namespaces: ['storm'], ...(exec ? { exec } : {}) });
  }

  /** What was applied, as `kind/name`, in order. */
  get patched(): readonly string[] {
    return this.requests
      .filter(({ method, path }) => method === 'PATCH' && !path.endsWith('/stormctl-storm'))
      .map(({ path }) => path.split('/').slice(-2).join('/'));
  }

  override async request<T>(request: KubeRequest): Promise<T> {
    const answer = await super.request<T>(request);
    const name = /\/deployments\/([^/]+)$/.exec(request.path)?.[1];
    const deployment = request.method === 'PATCH' && name !== undefined ? this.find('Deployment', name) : undefined;
    if (deployment) this.#play(deployment);
    this.onRequest(request);
    return answer;
  }

  /** A pod of the Deployment as it stands takes the place of the one before it. */
  restart(name: string): void {
    const deployment = this.find('Deployment', name);
    if (deployment) this.#run(deployment);
  }

  /** The container of the Deployment's pod ends with `exitCode` and is kept down. */
  crash(name: string, exitCode: number): void {
    const pod = this.all('Pod').find(({ metadata }) => metadata.name.startsWith(`${name}-`));
    const status = pod?.['status'] as { readonly containerStatuses: readonly object[] } | undefined;
    if (!pod || !status) throw new Error(`no pod of ${name}`);
    const state = { waiting: { reason: 'CrashLoopBackOff' } };
    const lastState = { terminated: { exitCode } };
    const containerStatuses = status.containerStatuses.map((each) => ({ ...each, state, lastState, ready: false }));
    this.put({ ...pod, status: { ...status, conditions: [], containerStatuses } });
  }

  imageOf(name: string): string | undefined {
    return templateOf(this.find('Deployment', name))?.spec.containers[0]?.image;
  }

  #play(deployment: KubeObject): void {
    const { name, namespace = 'storm', generation } = deployment.metadata;
    const counts = this.stuck.has(name) ? {} : { replicas: 1, updatedReplicas: 1, availableReplicas: 1 };
    const status = deployment['status'] as { observedGeneration?: number; updatedReplicas?: number } | undefined;
    if (status?.observedGeneration === generation && status?.updatedReplicas === counts.updatedReplicas) return;
    this.setStatus(
      { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name },
      { observedGeneration: generation, updatedReplicas: 0, ...counts },
    );
    if (!this.stuck.has(name)) this.#run(deployment);
  }

  #run(deployment: KubeObject): void {
    const { name, namespace = 'storm' } = deployment.metadata;
    const template = templateOf(deployment);
    if (!template) return;
    for (const pod of this.all('Pod')) if (pod.metadata.name.startsWith(`${name}-`)) this.remove(pod);
    const number = ++this.#pods;
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${name}-abc`, uid: 'rs', controller: true };
    const labels = { ...template.metadata.labels, 'pod-template-hash': 'abc' };
    const running = { running: { startedAt: '2026-01-01T00:00:00Z' } };
    this.put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `${name}-${number}`, namespace, uid: `pod-${number}`, labels, ownerReferences: [owner] },
      spec: { containers: template.spec.containers },
      status: {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: template.spec.containers.map((container) => ({
          ...container,
          state: running,
          containerID: `containerd://${name}-${number}`,
          ready: true,
          restartCount: 0,
        })),
      },
    });
  }
}

function templateOf(object: KubeObject | undefined): Template | undefined {
  return (object?.['spec'] as { readonly template?: Template } | undefined)?.template;
}
