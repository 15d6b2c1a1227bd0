import { Failure } from '../errors.ts';
import type { PodState } from '../pods/pod-state.ts';

/** Whose logs a word of the command line asks for. */
export type PodWord =
  /** The pods of one workload: `deploy/web`. */
  | { readonly kind: 'workload'; readonly workload: string; readonly name: string }
  | { readonly kind: 'pod'; readonly name: string }
  /** Pods by their name: `web-.*`. */
  | { readonly kind: 'pattern'; readonly pattern: RegExp };

/** The names that kubectl takes too; plurals are cut before. */
const kinds: Readonly<Record<string, string>> = {
  deploy: 'Deployment',
  deployment: 'Deployment',
  sts: 'StatefulSet',
  statefulset: 'StatefulSet',
  ds: 'DaemonSet',
  daemonset: 'DaemonSet',
  rs: 'ReplicaSet',
  replicaset: 'ReplicaSet',
  rc: 'ReplicationController',
  replicationcontroller: 'ReplicationController',
  job: 'Job',
  cj: 'CronJob',
  cronjob: 'CronJob',
  po: 'Pod',
  pod: 'Pod',
};

/** @returns a word of the form `kind/name`; undefined for a word without a slash. @throws Failure `usage`. */
export function readKindAndName(word: string): Exclude<PodWord, { kind: 'pattern' }> | undefined {
  const slash = word.indexOf('/');
  if (slash < 0) return undefined;
  const given = word.slice(0, slash).toLowerCase();
  const name = word.slice(slash + 1);
  const workload = kinds[given] ?? kinds[given.replace(/s$/, '')];
  if (workload === undefined || name === '')
    throw new Failure('usage', `${word} names no workload`, {
      where: word,
      next: 'deploy/NAME, sts/NAME, ds/NAME, rs/NAME, job/NAME, cronjob/NAME or pod/NAME; for a Service, its labels with -l',
    });
  return workload === 'Pod' ? { kind: 'pod', name } : { kind: 'workload', workload, name };
}

/** @returns a word as it is told: `deployment/web`, `web-.*`. */
export function textOfWord(word: PodWord): string {
  if (word.kind === 'pattern') return word.pattern.source;
  return `${word.kind === 'pod' ? 'pod' : word.workload.toLowerCase()}/${word.name}`;
}

/** @returns the object that a word names, which may have no pods; undefined for pods. */
export function workloadOf(word: PodWord): { apiVersion: string; kind: string; name: string } | undefined {
  if (word.kind !== 'workload') return undefined;
  const { workload: kind, name } = word;
  const apiVersion = kind === 'ReplicationController' ? 'v1' : kind.endsWith('Job') ? 'batch/v1' : 'apps/v1';
  return { apiVersion, kind, name };
}

/** @returns whether a pod is one that the word asks for. */
export function asksFor(word: PodWord, { name, workload }: PodState): boolean {
  if (word.kind === 'pod') return name === word.name;
  // `search` and not `test`, which a `g` or `y` flag makes depend on the pod before.
  if (word.kind === 'pattern') return name.search(word.pattern) >= 0;
  if (word.workload === workload.kind) return word.name === workload.name;
  // A CronJob's Jobs are called by it and by their minute: kubernetes/kubernetes pkg/controller/cronjob/utils.go.
  if (word.workload !== 'CronJob' || workload.kind !== 'Job') return false;
  return workload.name.startsWith(`${word.name}-`) && /^\d+$/.test(workload.name.slice(word.name.length + 1));
}
