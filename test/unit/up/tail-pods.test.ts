import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPodWord } from '../../../src/commands/log-whose.ts';
import { Failures } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import { never } from '../../../src/lib/abort.ts';
import { Mask } from '../../../src/lib/mask.ts';
import { everyLine, type LogChoice, wholeName } from '../../../src/logs/log-choice.ts';
import { type PodQuery, tailPods } from '../../../src/up/tail-pods.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';

interface Pod {
  readonly namespace?: string;
  readonly owner?: { readonly kind: string; readonly name: string };
  readonly labels?: Readonly<Record<string, string>>;
  readonly containers?: readonly string[];
  readonly waiting?: { readonly reason: string; readonly message?: string };
  /** Of the containers. */
  readonly env?: readonly object[];
}

/** A pod whose containers have said their own names, once. */
function addPod(kube: FakeKube, name: string, pod: Pod = {}): void {
  const { namespace = 'default', owner, labels = {}, containers = ['main'], waiting, env = [] } = pod;
  const ownerReferences = owner ? [{ apiVersion: 'v1', uid: 'o', controller: true, ...owner }] : [];
  kube.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels, ownerReferences },
    spec: { containers: containers.map((container) => ({ name: container, image: 'x', env })) },
    status: {
      phase: waiting ? 'Pending' : 'Running',
      containerStatuses: containers.map((container) => ({
        name: container,
        ...(waiting ? { state: { waiting } } : { containerID: `c-${name}`, state: { running: {} } }),
      })),
    },
  });
  for (const container of containers)
    kube.printed.set(`${namespace}/${name}/${container}`, `2026-01-01T00:00:00.000000000Z ${name}/${container}\n`);
}

interface Asked {
  readonly query?: Partial<PodQuery>;
  readonly choice?: Partial<LogChoice>;
  readonly rendered?: Promise<void>;
  readonly signal?: AbortSignal;
  readonly onReport?: (report: Report) => void;
}

/** What is told of a query, and what is said about it; read once unless `choice` says otherwise. */
async function ask(kube: FakeKube, { query, choice, rendered, signal = never, onReport = () => {} }: Asked = {}) {
  const lines: string[] = [];
  const said: string[] = [];
  const report = (each: Report) => {
    if (each.type === 'log') lines.push(`${each.source}: ${each.line}`);
    else said.push(textOf(each));
    onReport(each);
  };
  await tailPods(
    { namespaces: undefined, selector: '', words: [], masks: true, ...query },
    {
      kube,
      choice: { ...everyLine, follow: false, ...choice },
      mask: new Mask(),
      rendered,
      report,
      remark: (each) => said.push(textOf(each)),
      drained: () => undefined,
      signal,
    },
  );
  return { lines: lines.sort(), said };
}

function textOf(report: Report): string {
  return 'text' in report ? report.text : 'message' in report ? report.message : report.type;
}

test('pods are chosen by namespace, labels and names', async () => {
  const kube = new FakeKube({ namespaces: ['shop'] });
  addPod(kube, 'web-1', { owner: { kind: 'StatefulSet', name: 'web' }, labels: { app: 'web' } });
  addPod(kube, 'db-1', { owner: { kind: 'StatefulSet', name: 'db' } });
  addPod(kube, 'job-29', { owner: { kind: 'Job', name: 'tidy-28391000' }, namespace: 'shop' });
  addPod(kube, 'etcd-node', { owner: { kind: 'Node', name: 'node' }, namespace: 'shop' });
  const linesOf = async (query: Partial<PodQuery>) => (await ask(kube, { query })).lines;
  assert.deepEqual(await linesOf({}), ['db: db-1/main', 'web: web-1/main']);
  assert.deepEqual(await linesOf({ selector: 'app=web' }), ['web: web-1/main']);
  assert.deepEqual(await linesOf({ words: [readPodWord('sts/db')] }), ['db: db-1/main']);
  assert.deepEqual(await linesOf({ words: [readPodWord('pod/db-1'), readPodWord('^w')] }), [
    'db: db-1/main',
    'web: web-1/main',
  ]);
  assert.deepEqual(await linesOf({ namespaces: ['shop'], words: [readPodWord('cronjob/tidy')] }), [
    'tidy-28391000: job-29/main',
  ]);
  assert.deepEqual(await linesOf({ namespaces: 'all', words: [readPodWord('^(web|etcd)')] }), [
    'default/web: web-1/main',
    'shop/etcd-node: etcd-node/main',
  ]);
});

test('containers and lines are chosen by regular expressions', async () => {
  const kube = new FakeKube();
  addPod(kube, 'a', { containers: ['app', 'proxy'] });
  addPod(kube, 'b', { containers: ['app', 'proxy'] });
  assert.deepEqual((await ask(kube, { choice: { containers: [/^app$/] } })).lines, ['a: a/app', 'b: b/app']);
  assert.deepEqual((await ask(kube, { choice: { notContainers: [/^app$/] } })).lines, ['a: a/proxy', 'b: b/proxy']);
  const choice = { include: [/^a/, /proxy/], exclude: [/a.*proxy/] };
  assert.deepEqual((await ask(kube, { choice })).lines, ['a: a/app', 'b: b/proxy']);
});

test('--previous tells the last run that is over, of containers that crashed', async () => {
  const kube = new FakeKube();
  const asked: string[] = [];
  const logs = kube.logs.bind(kube);
  kube.logs = (request, signal) => {
    asked.push(`${request.pod} ${request.previous}`);
    return logs(request, signal);
  };
  const ended = { terminated: { containerID: 'c-0', exitCode: 3 } };
  const states: readonly (readonly [string, number, object, object])[] = [
    ['runs-again', 1, { running: {} }, ended],
    ['backs-off', 1, { waiting: { reason: 'CrashLoopBackOff' } }, ended],
    ['just-crashed', 0, ended, {}],
    ['never-crashed', 0, { running: {} }, {}],
    ['completed', 0, { terminated: { containerID: 'c-0', exitCode: 0 } }, {}],
  ];
  for (const [name, restartCount, state, lastState] of states) {
    addPod(kube, name);
    const pod = kube.find('Pod', name);
    const containerStatuses = [{ name: 'main', containerID: 'c-1', restartCount, state, lastState }];
    if (pod) kube.put({ ...pod, status: { phase: 'Running', containerStatuses } });
  }
  await ask(kube, { choice: { previous: true } });
  assert.deepEqual(asked.sort(), ['backs-off false', 'just-crashed false', 'runs-again true']);
  const words = [readPodWord('never')];
  assert.deepEqual((await ask(kube, { query: { words }, choice: { previous: true } })).said, [
    'nothing crashed: no container that is asked for has ended with an error or was restarted',
  ]);
});

test('a query that nothing matches is told, and so is one whose pods have printed nothing', async () => {
  const kube = new FakeKube();
  const selector = 'app=web';
  assert.deepEqual(await ask(kube, { query: { selector } }), {
    lines: [],
    said: ['no pods match -l app=web in namespace default'],
  });
  assert.deepEqual((await ask(kube, { query: { namespaces: ['default', 'kube-system'] } })).said, [
    'no pods in namespaces default, kube-system',
  ]);
  addPod(kube, 'a');
  const saidOf = async (choice: Partial<LogChoice>) => (await ask(kube, { choice })).said;
  assert.deepEqual(await saidOf({ include: [/nothing/] }), ['there are lines, and --include leaves all of them out']);
  assert.deepEqual(await saidOf({ include: [/./], exclude: [/./] }), [
    'there are lines, and --include and --exclude leave all of them out',
  ]);
  assert.deepEqual(await saidOf({ notContainers: [/^main$/] }), ['no container of these pods is left: they have main']);
  kube.printed.clear();
  const sinceTime = '2026-01-01T00:00:00Z';
  assert.deepEqual(await saidOf({ start: { sinceTime } }), [
    `nothing was printed since ${sinceTime}; a longer --since shows more, and --tail -1 without it all`,
  ]);
  assert.deepEqual(await saidOf({ start: { tailLines: 0, sinceTime } }), ['--tail 0 shows no line of what there is']);
  assert.deepEqual(await saidOf({ start: 'all' }), ['nothing was printed yet']);
  assert.deepEqual(await saidOf({ previous: true, follow: false }), [
    'nothing crashed: no container that is asked for has ended with an error or was restarted',
  ]);
});

test('what is not there is a usage failure with the nearest that is, where nobody waits for it', async () => {
  const kube = new FakeKube({ namespaces: ['storm', 'shop'] });
  const owner = { kind: 'Deployment', name: 'web' };
  addPod(kube, 'web-1', {
    owner: { kind: 'StatefulSet', name: 'web' },
    namespace: 'storm',
    containers: ['main', 'proxy'],
  });
  addPod(kube, 'other', { namespace: 'shop' });
  const failsWith = async (query: Partial<PodQuery>, choice: Partial<LogChoice>, ...messages: readonly string[]) =>
    assert.rejects(ask(kube, { query, choice }), (error) => {
      assert.ok(error instanceof Failures);
      assert.deepEqual(
        error.all.map(({ message }) => message),
        messages,
      );
      return error.kind === 'usage';
    });
  await failsWith({ namespaces: ['strom'] }, {}, 'no namespace strom (nearest: storm)');
  await failsWith({ namespaces: ['shop', 'strom'] }, {}, 'no namespace strom (nearest: storm)');
  await failsWith({ namespaces: ['strom', 'shop'] }, {}, 'no namespace strom (nearest: storm)');
  const storm = { namespaces: ['storm'] };
  await failsWith(
    { ...storm, words: [readPodWord('wep')] },
    {},
    'no pod matches wep in namespace storm (nearest: web)',
  );
  await failsWith(
    { ...storm, words: [readPodWord('web'), readPodWord('sts/wbe')] },
    {},
    'no statefulset/wbe in namespace storm (nearest: statefulset/web)',
  );
  await failsWith({ ...storm, words: [readPodWord('pod/web-2')] }, {}, 'no pod/web-2 in namespace storm');
  const containers = [wholeName(/nosuch/u), wholeName(/main/u)];
  await failsWith(storm, { containers }, 'no container nosuch in these pods: they have main, proxy');
  kube.put({ apiVersion: 'apps/v1', kind: owner.kind, metadata: { name: owner.name, namespace: 'storm' } });
  assert.deepEqual((await ask(kube, { query: { ...storm, words: [readPodWord('deploy/web')] } })).said, [
    'no pods match deployment/web in namespace storm',
  ]);
});

test('what is not there is told with the nearest that is, and waited for', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  const abort = new AbortController();
  const onReport = (report: Report) => {
    if (report.type === 'log') abort.abort();
    else addPod(kube, 'late', { namespace: 'strom' });
  };
  const query = { namespaces: ['strom'] };
  const { lines, said } = await ask(kube, { query, choice: { follow: true }, signal: abort.signal, onReport });
  assert.deepEqual(said, ['no namespace strom (nearest: storm): waiting for it']);
  assert.deepEqual(lines, ['late: late/main']);
});

test('an account that may not look for namespaces is told nothing of them', async () => {
  const kube = new FakeKube();
  kube.failNext(({ path }) => path === '/api/v1/namespaces/hidden', forbidden('/api/v1/namespaces/hidden'));
  assert.deepEqual((await ask(kube, { query: { namespaces: ['hidden'] } })).said, ['no pods in namespace hidden']);
});

test('a query that nothing matches waits when it is followed, and tells the pod that comes', async () => {
  const kube = new FakeKube();
  const abort = new AbortController();
  const onReport = (report: Report) => {
    if (report.type === 'log') abort.abort();
    else addPod(kube, 'late');
  };
  const { lines, said } = await ask(kube, { choice: { follow: true }, signal: abort.signal, onReport });
  assert.deepEqual(said, ['no pods in namespace default: waiting']);
  assert.deepEqual(lines, ['late: late/main']);
});

test('a pod that can not start is told with the reason, once, and not where it is not asked for', async () => {
  const kube = new FakeKube();
  const waiting = { reason: 'ErrImagePull', message: 'not found' };
  addPod(kube, 'stuck', { waiting });
  const why = "image x of container main of pod stuck can't be pulled: not found";
  assert.deepEqual(await ask(kube), { lines: [], said: [why] });
  await assert.rejects(ask(kube, { query: { words: [readPodWord('web')] } }), {
    message: 'no pod matches web in namespace default',
  });
  const abort = new AbortController();
  const onReport = (report: Report) => {
    if (report.type === 'log') abort.abort();
    else {
      addPod(kube, 'stuck', { waiting: { reason: 'ImagePullBackOff' } });
      addPod(kube, 'works');
    }
  };
  const followed = await ask(kube, { choice: { follow: true }, signal: abort.signal, onReport });
  assert.deepEqual(followed, { lines: ['works: works/main'], said: [why] });
});

const forbidden = (path: string) => refusal('GET', path, 403, 'Forbidden', 'pods is forbidden');

/** A cluster that refuses the logs of some namespaces. */
class SecretiveKube extends FakeKube {
  readonly refused = new Set<string>();

  override logs(request: Parameters<FakeKube['logs']>[0], signal: AbortSignal): ReturnType<FakeKube['logs']> {
    if (!this.refused.has(request.namespace)) return super.logs(request, signal);
    return (async function* () {
      yield* await Promise.reject<Buffer<ArrayBuffer>[]>(forbidden('/log'));
      return undefined;
    })();
  }
}

test('logs that are refused in one namespace are told once, and the others go on', async () => {
  const kube = new SecretiveKube({ namespaces: ['shop'] });
  kube.refused.add('shop');
  for (const name of ['a', 'b', 'c']) addPod(kube, name, { namespace: 'shop' });
  addPod(kube, 'open');
  const abort = new AbortController();
  const seen: string[] = [];
  const onReport = (report: Report) => {
    seen.push(report.type);
    if (seen.includes('log') && seen.includes('failed')) abort.abort();
  };
  const query = { namespaces: 'all' as const };
  const { lines, said } = await ask(kube, { query, choice: { follow: true }, signal: abort.signal, onReport });
  assert.deepEqual(lines, ['default/open: open/main']);
  assert.deepEqual(said, ['the cluster does not show the logs of namespace shop']);

  const told: string[] = [];
  const reading = ask(kube, { query, onReport: (report) => told.push(report.type) });
  await assert.rejects(reading, {
    kind: 'refused',
    message: 'the cluster does not show the logs of namespace shop',
    next: 'the account of this context needs `get` on pods/log in shop',
  });
  assert.deepEqual(told, ['log']);
});

test('a follow ends when every namespace refuses its logs', async () => {
  const kube = new SecretiveKube();
  kube.refused.add('default');
  for (const name of ['a', 'b']) addPod(kube, name);
  const said: Report[] = [];
  const following = ask(kube, { choice: { follow: true }, onReport: (report) => said.push(report) });
  await assert.rejects(following, { kind: 'refused', where: /pod [ab] in default/ });
  assert.deepEqual(said, []);
});

test('pods that may not be listed, and a selector that is none, end the command', async () => {
  const kube = new FakeKube();
  const isPods = ({ path }: { path: string }) => path.endsWith('/pods');
  kube.failNext(isPods, forbidden('/api/v1/pods'));
  await assert.rejects(ask(kube, { query: { namespaces: 'all' } }), {
    kind: 'refused',
    message: 'the cluster does not show the pods of all namespaces',
    next: /in the whole cluster; or name namespaces with -n$/,
  });
  kube.failNext(isPods, refusal('GET', '/', 400, 'BadRequest', "found '=', expected: ','"));
  await assert.rejects(ask(kube, { query: { selector: 'a=b=c' } }), { kind: 'usage', where: '--selector' });
});

function addSecret(kube: FakeKube, name: string, value: string, namespace = 'default'): void {
  const data = { value: Buffer.from(value).toString('base64') };
  kube.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, data });
}

const fromSecret = (name: string) => [{ name: 'A', valueFrom: { secretKeyRef: { name, key: 'value' } } }];

test('what the Secrets hold that the pods of anybody name is masked, as far as they may be read', async () => {
  const kube = new FakeKube();
  addSecret(kube, 'mine', 'swordfish-1234');
  addSecret(kube, 'of-nobody', 'never-read-1234');
  addPod(kube, 'a', { env: fromSecret('mine') });
  addPod(kube, 'b', { env: fromSecret('forbidden') });
  for (const pod of ['a', 'b'])
    kube.printed.set(`default/${pod}/main`, '2026-01-01T00:00:00.000000000Z swordfish-1234 never-read-1234\n');
  kube.failNext(({ path }) => path.endsWith('/secrets/forbidden'), forbidden('/secrets'), 9);
  const { lines, said } = await ask(kube);
  assert.deepEqual({ lines, said }, { lines: ['a: *** never-read-1234', 'b: *** never-read-1234'], said: [] });
  const asked = kube.requests.filter(({ path }) => path.includes('/secrets')).map(({ path }) => path.split('/').at(-1));
  assert.deepEqual(asked.sort(), ['forbidden', 'mine']);

  kube.requests.length = 0;
  const shown = await ask(kube, { query: { masks: false } });
  assert.deepEqual(shown.lines, ['a: swordfish-1234 never-read-1234', 'b: swordfish-1234 never-read-1234']);
  assert.equal(kube.requests.filter(({ path }) => path.includes('/secrets')).length, 0);
});

test('no line of anybody is told before the manifests of the project here are known', async () => {
  const kube = new FakeKube();
  addPod(kube, 'a');
  let resolve = () => {};
  const rendered = new Promise<void>((done) => (resolve = done));
  const told: string[] = [];
  const asking = ask(kube, { rendered, onReport: ({ type }) => told.push(type) });
  await new Promise(setImmediate);
  assert.deepEqual(told, []);
  resolve();
  assert.deepEqual((await asking).lines, ['a: a/main']);
});
