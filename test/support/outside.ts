import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connectCluster } from '../../src/kube/connect-cluster.ts';
import { kubectl, lab } from './lab.ts';

/** Asks again until the answer is as wanted: for what only polling can see from outside. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T>,
  wanted: (answer: T) => boolean,
  timeoutMs = 60_000,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  let last: unknown;
  while (performance.now() < end) {
    try {
      const answer = await ask();
      if (wanted(answer)) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    await delay(20);
  }
  throw new Error(
    `${what}: not within ${timeoutMs} ms; last: ${last instanceof Error ? last.message : JSON.stringify(last)}`,
  );
}

/** The body of a GET; anything but a 2xx is an error. */
export async function get(url: string): Promise<string> {
  const { status, headers, body } = await ask('GET', url);
  // The headers tell which server it was.
  if (status < 200 || status >= 300) throw new Error(`${url}: HTTP ${status} ${JSON.stringify(headers)} ${body}`);
  return body;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One request over a connection of its own. @param body text, or what is sent as JSON. */
export async function ask(method: string, url: string, body?: unknown, timeoutMs = 20_000): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = typeof body === 'object' ? { 'content-type': 'application/json' } : {};
    const asked = request(url, { method, headers, agent: false, timeout: timeoutMs }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    asked.on('timeout', () => asked.destroy(new Error(`${url}: no answer in ${timeoutMs} ms`)));
    asked.on('error', reject);
    asked.end(typeof body === 'object' ? JSON.stringify(body) : body);
  });
}

export interface SeenObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly generation?: number;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[];
    readonly managedFields?: readonly {
      readonly manager: string;
      readonly time?: string;
      readonly operation: string;
    }[];
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
  };
  readonly spec?: Record<string, unknown>;
  readonly status?: Record<string, unknown>;
}

/** Where the API server has the kinds that tests ask for most. */
const collections: Readonly<Record<string, string>> = {
  pods: '/api/v1',
  services: '/api/v1',
  configmaps: '/api/v1',
  secrets: '/api/v1',
  persistentvolumeclaims: '/api/v1',
  deployments: '/apis/apps/v1',
  statefulsets: '/apis/apps/v1',
  daemonsets: '/apis/apps/v1',
  replicasets: '/apis/apps/v1',
  jobs: '/apis/batch/v1',
  cronjobs: '/apis/batch/v1',
  leases: '/apis/coordination.k8s.io/v1',
};

/**
 * What the API server has of some kinds (comma-separated, in the plural) in a namespace. Asked over a connection of its own:
 * a kubectl a look takes fifty times the processor's time, of which the tests that run beside this one are short.
 */
export async function objectsIn(namespace: string, kinds: string): Promise<readonly SeenObject[]> {
  await using kube = await connectCluster({ kubeconfig: lab.kubeconfig, context: lab.context, env: process.env });
  const lists = kinds.split(',').map(async (kind): Promise<readonly SeenObject[]> => {
    const found = collections[kind];
    if (found === undefined) return findWithKubectl(namespace, kind);
    const path = `${found}/namespaces/${namespace}/${kind}`;
    const list = await kube.request<{ kind: string; items: SeenObject[] }>({ method: 'GET', path });
    return list.items.map((each) => ({ ...each, kind: list.kind.replace(/List$/, '') }));
  });
  return (await Promise.all(lists)).flat();
}

async function findWithKubectl(namespace: string, kind: string): Promise<readonly SeenObject[]> {
  const what = ['get', kind, '-n', namespace, '-o', 'json', '--show-managed-fields', '--ignore-not-found'];
  const text = await kubectl(what);
  return text.trim() === '' ? [] : (JSON.parse(text) as { items: SeenObject[] }).items;
}

/** `kind/name` of everything that a project could have left, but for what every namespace has. */
export async function leftIn(namespace: string): Promise<readonly string[]> {
  const found = await objectsIn(
    namespace,
    'pods,deployments,statefulsets,daemonsets,replicasets,jobs,cronjobs,services,configmaps,secrets,persistentvolumeclaims',
  );
  return found
    .map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}`)
    .filter((name) => name !== 'configmap/kube-root-ca.crt')
    .sort();
}

/** Whether something listens on a port of this machine. */
export async function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
