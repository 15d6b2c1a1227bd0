import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readApplySet, writeApplySet } from '../../../src/deploy/apply-set.ts';
import { Failure, Failures, isAbort } from '../../../src/errors.ts';
import type { LogReport, Report } from '../../../src/events.ts';
import { never } from '../../../src/lib/abort.ts';
import { Mask } from '../../../src/lib/mask.ts';
import { everyLine } from '../../../src/logs/log-choice.ts';
import type { Project } from '../../../src/project.ts';
import { tail } from '../../../src/up/tail.ts';
import { refusal } from '../../support/fake-kube.ts';
import { PlayingKube } from '../dev/playing-kube.ts';
import { appliedWeb } from './support.ts';

async function linesOf(
  folder: { readonly project: Project },
  kube: PlayingKube,
  selection: readonly string[],
  reports: Report[] = [],
) {
  const report = (one: Report) => reports.push(one);
  const shared = { kube, project: folder.project, selection, report, signal: never };
  await tail({
    ...shared,
    drained: () => undefined,
    mask: new Mask(),
    rendered: undefined,
    choice: { ...everyLine, follow: false },
    remark: report,
  });
  return reports
    .filter((one): one is LogReport => one.type === 'log')
    .map(({ source, line }) => `${source}: ${line}`)
    .sort();
}

async function scene() {
  const kube = new PlayingKube();
  const { folder } = await appliedWeb(kube);
  for (const { metadata } of kube.all('Pod'))
    kube.printed.set(`storm/${metadata.name}/main`, '2026-01-01T00:00:00.000000001Z hello\n');
  return { folder, kube };
}

test('logs name the service, and the workload where no service builds the image', async () => {
  const { folder, kube } = await scene();
  using _ = folder;
  assert.deepEqual(await linesOf(folder, kube, []), ['db: hello', 'web-service: hello']);
  assert.deepEqual(await linesOf(folder, kube, ['db']), ['db: hello']);
  assert.deepEqual(await linesOf(folder, kube, ['web']), ['web-service: hello']);
});

test("values of the project's Secrets in the cluster are masked", async () => {
  const { folder, kube } = await scene();
  using _ = folder;
  addSecret(kube, 'hello-hello');
  for (const name of kube.printed.keys()) kube.printed.set(name, '2026-01-01T00:00:00.000000001Z say hello-hello\n');
  assert.deepEqual(await linesOf(folder, kube, ['db']), ['db: say ***']);
  const shown = { ...folder.project, logs: { ...folder.project.logs, mask: false } };
  assert.deepEqual(await linesOf({ project: shown }, kube, ['db']), ['db: say hello-hello']);
});

test('where Secrets may not be read, one warning says that they are not masked', async () => {
  const { folder, kube } = await scene();
  using _ = folder;
  addSecret(kube, 'hello-hello');
  const isSecrets = ({ path }: { path: string }) => path.endsWith('/secrets');
  kube.failNext(isSecrets, refusal('GET', '/', 403, 'Forbidden', 'secrets is forbidden'));
  const reports: Report[] = [];
  assert.deepEqual(await linesOf(folder, kube, ['db'], reports), ['db: hello']);
  const texts = reports.flatMap((one) => (one.type === 'warning' ? [one.text] : []));
  assert.deepEqual(texts, [
    'what the Secrets in storm hold is masked only as far as the manifests have it: they may not be read',
  ]);
});

test('what a Secret holds that is made or changed while the logs are followed is masked from its first line on', async () => {
  const { folder, kube } = await scene();
  using _ = folder;
  const [pod] = kube.all('Pod');
  assert.ok(pod);
  const abort = new AbortController();
  const lines: string[] = [];
  const report = (one: Report) => {
    if (one.type !== 'log') return;
    lines.push(one.line);
    if (one.line !== 'hello') return abort.abort();
    if (lines.length === 1) {
      // A new pod that prints what was generated for it, in a Secret of its own and in one of the project.
      addSecret(kube, 'rotated-value');
      const data = { token: Buffer.from('generated-value').toString('base64') };
      kube.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'generated', namespace: 'storm' }, data });
      const name = 'db-new';
      kube.printed.set(`storm/${name}/main`, '2026-01-01T00:00:01.000000001Z rotated-value generated-value\n');
      const envFrom = [{ secretRef: { name: 'generated' } }];
      kube.put({
        ...pod,
        metadata: { ...pod.metadata, name, uid: name },
        spec: { containers: [{ name: 'main', image: 'postgres:15', envFrom }] },
      });
    }
  };
  await tail({
    kube,
    project: folder.project,
    selection: [],
    report,
    remark: report,
    drained: () => undefined,
    mask: new Mask(),
    rendered: undefined,
    choice: everyLine,
    signal: abort.signal,
  }).catch((error: unknown) => assert.ok(isAbort(error), String(error)));
  assert.ok(lines.includes('*** ***'), lines.join('|'));
});

function addSecret(kube: PlayingKube, value: string): void {
  const metadata = { name: 'db', namespace: 'storm', labels: { 'stormctl.dev/project': 'storm' } };
  const data = { password: Buffer.from(value).toString('base64') };
  kube.put({ apiVersion: 'v1', kind: 'Secret', metadata, data });
}

test('a name that nothing has is told with the nearest', async () => {
  const { folder, kube } = await scene();
  using _ = folder;
  await assert.rejects(linesOf(folder, kube, ['dc']), (error) => {
    assert.ok(error instanceof Failures);
    return error.kind === 'usage' && error.next === 'did you mean db?';
  });
});

test('a cluster that does not show the inventory is a failure with the next step, not a bug', async () => {
  const { folder, kube } = await scene();
  using _ = folder;
  const isInventory = ({ path }: { path: string }) => path.endsWith('/configmaps/stormctl-storm');
  kube.failNext(isInventory, refusal('GET', '/', 403, 'Forbidden', 'configmaps is forbidden'));
  await assert.rejects(
    linesOf(folder, kube, []),
    (error) => error instanceof Failure && error.kind === 'refused' && /may do this/.test(error.next ?? ''),
  );
});

test('a namespace that only the inventory names, and that is not there, is passed over', async () => {
  const { folder, kube } = await scene();
  using _ = folder;
  const ref = { name: folder.project.name, namespace: folder.project.cluster.namespace };
  const set = await readApplySet(kube, ref, never);
  assert.ok(set);
  await writeApplySet(kube, { ...set, namespaces: new Set(['absent']) }, never);
  assert.deepEqual(await linesOf(folder, kube, ['db']), ['db: hello']);
  assert.deepEqual(await linesOf(folder, kube, []), ['db: hello', 'web-service: hello']);
});
