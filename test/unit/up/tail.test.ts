import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure, Failures } from '../../../src/errors.ts';
import type { LogReport, Report } from '../../../src/events.ts';
import { tail } from '../../../src/up/tail.ts';
import { refusal } from '../../support/fake-kube.ts';
import { PlayingKube } from '../dev/playing-kube.ts';
import { appliedWeb, never, type ProjectFolder } from './support.ts';

async function linesOf(folder: ProjectFolder, kube: PlayingKube, selection: readonly string[]) {
  const reports: Report[] = [];
  const report = (one: Report) => reports.push(one);
  const shared = { kube, project: folder.project, selection, report, signal: never };
  await tail({ ...shared, drained: () => undefined, follow: false, tailLines: undefined });
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
    (error) => error instanceof Failure && error.kind === 'unreachable' && /may do this/.test(error.next ?? ''),
  );
});
