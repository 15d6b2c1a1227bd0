import type { Report } from '../../../src/events.ts';
import { applySetId } from '../../../src/deploy/apply-set.ts';
import { createApplier } from '../../../src/deploy/applier.ts';
import type { Applied } from '../../../src/deploy/applier.ts';
import { readIdentity } from '../../../src/deploy/identity.ts';
import type { Kube } from '../../../src/kube/kube.ts';
import { own } from '../../../src/manifests/own.ts';
import type { KubeObject } from '../../../src/objects.ts';
import type { Project } from '../../../src/project.ts';

export const ref = { name: 'storm', namespace: 'storm' };

export function projectOf({ name, namespace } = ref, context?: string): Project {
  return {
    name,
    file: '/p/stormctl.yaml',
    root: '/p',
    environment: undefined,
    cluster: { context, namespace, create: undefined },
    registry: undefined,
    services: [],
    deploy: [],
    forward: [],
    autoForward: undefined,
    logs: { exclude: [], mask: true, history: true, fold: true, fields: undefined, level: undefined },
    onExit: 'delete',
    timeoutMs: 1000,
  };
}

export function configMap(name: string, data: Record<string, string> = {}, namespace?: string): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...(namespace ? { namespace } : {}) }, data };
}

export function workload(kind: string, name: string, image = 'alpine', spec: Record<string, unknown> = {}): KubeObject {
  return {
    apiVersion: kind === 'Job' ? 'batch/v1' : 'apps/v1',
    kind,
    metadata: { name },
    spec: {
      ...(kind === 'Job' ? {} : { selector: { matchLabels: { app: name } } }),
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'main', image }] },
      },
      ...spec,
    },
  };
}

export function statefulSet(name: string): KubeObject {
  return workload('StatefulSet', name, 'postgres', {
    serviceName: name,
    volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }],
  });
}

/** What the StatefulSet controller makes from `volumeClaimTemplates`: labelled by the selector, owned by nobody. */
export function claim(name: string, app: string, namespace = 'storm'): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace, labels: { app } },
    spec: {},
    status: { phase: 'Bound' },
  };
}

export interface ApplyOptions {
  readonly all?: readonly KubeObject[];
  readonly prune?: boolean;
  readonly signal?: AbortSignal;
  readonly reports?: Report[];
  readonly ref?: { readonly name: string; readonly namespace: string };
}

/** Applies objects as the project's; unless `all` is given they are all that it has. */
export async function applyTo(
  kube: Kube,
  objects: readonly KubeObject[],
  {
    all = objects,
    prune = true,
    signal = new AbortController().signal,
    reports = [],
    ref: at = ref,
  }: ApplyOptions = {},
): Promise<Applied> {
  const applier = createApplier({
    kube,
    project: projectOf(at),
    identity: await readIdentity(kube),
    report: (report) => reports.push(report),
  });
  const render = (object: KubeObject, index: number) => ({
    object: own(object, { project: at.name, applySetId: applySetId(at) }),
    where: `m.yaml:${index + 1}:1`,
  });
  return applier.apply({ objects: objects.map(render), all: all.map(render), prune, signal });
}
