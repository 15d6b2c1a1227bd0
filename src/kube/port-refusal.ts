import { Failure } from '../errors.ts';
import type { PodRef } from './kube.ts';

/** What the kubelet said of a connection to a port that failed. */
export function portRefusal({ namespace, pod }: PodRef, port: number, said: string): Failure {
  const detail = messageOf(said.trim());
  return new Failure('unreachable', verdictOf(detail, pod, port), { where: `pod/${pod} in ${namespace}`, detail });
}

function verdictOf(said: string, pod: string, port: number): string {
  if (isNobodyThere(said)) return `nothing listens on port ${port} of pod ${pod}`;
  if (/connection reset by peer|broken pipe/.test(said)) return `pod ${pod} reset the connection to port ${port}`;
  return `port ${port} of pod ${pod} can't be reached`;
}

/** Whether the pod itself is there, and only nobody listens on that port. */
export function isNobodyThere(said: string): boolean {
  return said.includes('connection refused');
}

/** Kubelets from 1.34 on wrap it: `{"closeConnection":true,"message":"…"}`. */
function messageOf(said: string): string {
  try {
    const { message } = JSON.parse(said) as { message?: unknown };
    return typeof message === 'string' ? message : said;
  } catch {
    return said;
  }
}
