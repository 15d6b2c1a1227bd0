import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connectCluster } from '../../../src/kube/connect-cluster.ts';
import { ApiError, type ExecRequest, type Kube } from '../../../src/kube/kube.ts';
import { readAll } from '../../../src/kube/transport.ts';
import { Scope } from '../../../src/lib/scope.ts';
import type { KubeObject } from '../../../src/objects.ts';
import { kubectl, lab, testNamespace } from '../../support/lab.ts';
import { apply } from './api-suite.ts';

/** Counts into its log. */
const program = `
let n = 0;
console.log('started');
setInterval(() => console.log('line ' + ++n), 50);
process.on('SIGTERM', () => process.exit(0));
`;

const scope = new Scope();
const namespace = 't-kube';
const main = { namespace, pod: 'main', container: 'main' };
let kube: Kube;

before(async () => {
  if (lab.skip !== false) return;
  scope.own(await testNamespace(namespace));
  kube = scope.own(await connectCluster({ kubeconfig: lab.kubeconfig, context: lab.context, env: process.env }));
  await startPod('main');
});
after(() => scope[Symbol.asyncDispose]());

const it = (name: string, body: (signal: AbortSignal) => Promise<void>): void => {
  void test(name, { skip: lab.skip, timeout: 120_000 }, ({ signal }) => body(signal));
};

it('a process gets its input, and its output, errors and exit code come back', async (signal) => {
  await using session = await exec(['sh', '-c', 'cat | wc -c; echo oops >&2; exit 3'], signal);
  await session.write(Buffer.alloc(3_000_000, 'a'));
  await session.endInput();
  const [stdout, stderr] = await Promise.all([readAll(session.stdout), readAll(session.stderr)]);
  assert.equal(stdout.toString().trim(), '3000000');
  assert.equal(stderr.toString(), 'oops\n');
  assert.equal((await session.ended).exitCode, 3);
});

it('a big output comes whole to a slow reader', async (signal) => {
  await using session = await exec(['head', '-c', '30000000', '/dev/zero'], signal, false);
  let got = 0;
  for await (const bytes of session.stdout) {
    got += bytes.length;
    await new Promise(setImmediate);
  }
  assert.equal(got, 30_000_000);
  assert.deepEqual(await session.ended, { exitCode: 0, message: undefined });
});

it('a command that is not in the image has no exit code and says why', async (signal) => {
  await using session = await exec(['nosuchcommand'], signal, false);
  const end = await session.ended;
  assert.equal(end.exitCode, undefined);
  assert.match(end.message ?? '', /nosuchcommand/);
});

it('an exec in a pod or container that is not there is an ApiError', async (signal) => {
  const inPod = (pod: string, container: string) => kube.exec({ namespace, pod, container, command: ['true'] }, signal);
  const status = (expected: number) => (error: unknown) => error instanceof ApiError && error.status === expected;
  await assert.rejects(inPod('absent', 'main'), status(404));
  await assert.rejects(inPod('main', 'absent'), status(400));
});

it('an abort ends a running exec, and closes the input of its process', async (signal) => {
  const abort = new AbortController();
  const file = `/tmp/eof-${Date.now()}`;
  const session = await exec(['sh', '-c', `echo up; cat >/dev/null; touch ${file}`], abort.signal);
  const output = session.stdout[Symbol.asyncIterator]();
  assert.equal((await output.next()).value?.toString(), 'up\n');
  abort.abort();
  await assert.rejects(session.ended, { name: 'AbortError' });
  await assert.rejects(session.write(Buffer.from('x')), { name: 'AbortError' });
  await using look = await exec(['sh', '-c', `until test -e ${file}; do sleep 0.05; done`], signal, false);
  assert.equal((await look.ended).exitCode, 0);
});

it('a log is followed until the abort', async () => {
  const abort = new AbortController();
  let text = '';
  await assert.rejects(
    async () => {
      for await (const bytes of kube.logs({ ...main, follow: true, timestamps: true }, abort.signal)) {
        text += bytes.toString();
        if (text.includes('line 3\n')) abort.abort();
      }
    },
    { name: 'AbortError' },
  );
  assert.match(text, /^\d{4}-\d\d-\d\dT[\d:.]+Z started\n/);
});

it('a log that is followed ends when its container does', async (signal) => {
  const file = '/tmp/end';
  const end = `if (!fs.existsSync('${file}')) return; console.log('last'); process.exit(0)`;
  await startPod('brief', `console.log('first'); setInterval(() => { ${end} }, 20)`);
  let text = '';
  for await (const bytes of kube.logs({ ...main, pod: 'brief', follow: true }, signal)) {
    text += bytes.toString();
    if (text === 'first\n') await kubectl(['exec', '-n', namespace, 'brief', '--', 'touch', file]);
  }
  assert.equal(text, 'first\nlast\n');
});

it('no lines of a log are asked for with tailLines 0', async (signal) => {
  assert.equal((await readAll(kube.logs({ ...main, tailLines: 0 }, signal))).length, 0);
  assert.equal((await readAll(kube.logs({ ...main, tailLines: 2 }, signal))).toString().trim().split('\n').length, 2);
});

it('a connection to a pod that is not there is an ApiError', async (signal) => {
  await assert.rejects(kube.connect({ namespace, pod: 'absent' }, 80, signal), (error) => error instanceof ApiError);
});

function exec(command: readonly string[], signal: AbortSignal, stdin = true) {
  const request: ExecRequest = { ...main, command, stdin };
  return kube.exec(request, signal);
}

async function startPod(name: string, script = program): Promise<void> {
  await apply(kube, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 1,
      containers: [
        { name: 'main', image: 'node:20-alpine', imagePullPolicy: 'IfNotPresent', command: ['node', '-e', script] },
      ],
    },
  });
  const abort = new AbortController();
  const request = { path: `/api/v1/namespaces/${namespace}/pods`, fieldSelector: `metadata.name=${name}` };
  for await (const event of kube.watch(request, abort.signal)) {
    const objects = event.type === 'list' ? event.objects : event.type === 'set' ? [event.object] : [];
    if (objects.some(hasStarted)) return;
  }
}

function hasStarted(pod: KubeObject): boolean {
  const { phase } = pod['status'] as { phase?: string };
  return phase === 'Running' || phase === 'Succeeded';
}
