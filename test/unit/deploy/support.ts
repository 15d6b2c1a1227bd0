import type { Report } from '../../../src/events.ts';
import { applySetId } from '../../../src/deploy/apply-set.ts';
import type { AppliedMemory } from '../../../src/deploy/applied-memory.ts';
import { createApplier } from '../../../src/deploy/applier.ts';
import type { Applied } from '../../../src/deploy/applier.ts';
import type { CompletedJobs } from '../../../src/deploy/completed-jobs.ts';
import { readIdentity } from '../../../src/deploy/identity.ts';
import { type Asked, nothingAsked } from '../../../src/deploy/protected.ts';
import type { Kube } from '../../../src/kube/kube.ts';
import type { Pinpoint } from '../../../src/manifests/pinpoint.ts';
import { own } from '../../../src/manifests/own.ts';
import type { KubeObject } from '../../../src/objects.ts';
import type { Project } from '../../../src/project.ts';
import { projectWith } from '../../support/project.ts';

export const ref = { name: 'storm', namespace: 'storm' };

export function projectOf({ name, namespace } = ref, context?: string): Project {
  return projectWith({ name, cluster: { context, namespace, create: undefined } });
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

/** A warning of the cluster about an object. */
export function event(involved: KubeObject | undefined, reason: string, message: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `e-${reason.toLowerCase()}`, namespace: 'storm' },
    type: 'Warning',
    reason,
    message,
    involvedObject: { uid: involved?.metadata.uid },
  };
}

/** A CustomResourceDefinition of `widgets` in `example.com`, served. */
export const widgets: KubeObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { kind: 'Widget', plural: 'widgets' },
    versions: [{ name: 'v1', served: true, storage: true }],
  },
  status: { conditions: [{ type: 'Established', status: 'True' }] },
};

export function widget(name: string, metadata: Partial<KubeObject['metadata']> = {}): KubeObject {
  return { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { ...metadata, name } };
}

export function namespaceOf(name: string): KubeObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

export interface ApplyOptions {
  readonly all?: readonly KubeObject[];
  readonly prune?: 'nothing' | 'unneeded' | 'all';
  readonly signal?: AbortSignal;
  readonly reports?: Report[];
  readonly memory?: AppliedMemory;
  readonly forceConflicts?: boolean;
  readonly prunes?: Partial<Asked>;
  readonly jobs?: CompletedJobs;
  readonly removalMs?: number;
  readonly namespaceMs?: number;
  readonly pinpoint?: Pinpoint;
  readonly ref?: { readonly name: string; readonly namespace: string };
}

/** Applies objects as the project's; unless `all` is given they are all that it has. */
export async function applyTo(
  kube: Kube,
  objects: readonly KubeObject[],
  {
    all = objects,
    prune = 'all',
    signal = new AbortController().signal,
    reports = [],
    memory,
    forceConflicts,
    prunes = {},
    jobs,
    removalMs,
    namespaceMs,
    pinpoint,
    ref: at = ref,
  }: ApplyOptions = {},
): Promise<Applied> {
  const applier = createApplier({
    kube,
    project: projectOf(at),
    identity: await readIdentity(kube),
    report: (report) => reports.push(report),
    memory,
    jobs,
    removalMs,
    namespaceMs,
    forceConflicts,
    prunes: { ...nothingAsked, ...prunes },
  });
  const render = (object: KubeObject, index: number) => ({
    object: own(object, { project: at.name, applySetId: applySetId(at) }),
    where: `m.yaml:${index + 1}:1`,
    pinpoint,
  });
  return applier.apply({ objects: objects.map(render), all: all.map(render), prune, signal });
}
