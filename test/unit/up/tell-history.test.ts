import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, test } from 'node:test';
import { Failure } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import { Mask } from '../../../src/lib/mask.ts';
import { everyLine, type LogChoice } from '../../../src/logs/log-choice.ts';
import { SessionRecord } from '../../../src/up/record.ts';
import { tellHistory } from '../../../src/up/tell-history.ts';
import { at, log } from '../history/support.ts';
import { ProjectFolder } from './support.ts';

let folder: ProjectFolder;
beforeEach(async () => {
  folder = new ProjectFolder();
  await using record = new SessionRecord(() => {});
  record.keep(folder.project);
  for (const each of [
    log('web', 1, 'GET /health'),
    log('web', 2, 'GET /'),
    log('postgres', 3, 'ready', 'postgres-0'),
    { ...log('web', 4, 'migrated'), container: 'migrate', init: true as const },
    log('web', 5, 'GET / again'),
  ])
    record.report(each);
});
afterEach(() => folder[Symbol.dispose]());

async function told(
  selection: readonly string[] = [],
  choice: Partial<LogChoice> = {},
): Promise<{ readonly lines: readonly string[]; readonly remarks: readonly Report[] }> {
  const lines: string[] = [];
  const remarks: Report[] = [];
  await tellHistory({
    project: folder.project,
    selection,
    choice: { ...everyLine, ...choice },
    mask: new Mask(),
    report: (report) => report.type === 'log' && lines.push(`${report.container} ${report.line}`),
    remark: (report) => remarks.push(report),
    drained: () => undefined,
    signal: new AbortController().signal,
  });
  return { lines, remarks };
}

test('all of it is told, in its order, and then from when to when it is', async () => {
  const { lines, remarks } = await told();
  assert.deepEqual(lines, ['c GET /health', 'c GET /', 'c ready', 'migrate migrated', 'c GET / again']);
  assert.deepEqual(remarks, [{ type: 'note', text: 'history from 2026-01-01T00:00:01Z to 2026-01-01T00:00:05Z' }]);
});

test('names, containers and times choose, as they do for logs that are followed', async () => {
  assert.deepEqual((await told(['postgres'])).lines, ['c ready']);
  assert.deepEqual((await told(['sts/postgres', 'pod/web-1'])).lines.length, 5);
  assert.deepEqual((await told(['web'], { containers: [/^migrate$/] })).lines, ['migrate migrated']);
  assert.deepEqual((await told([], { start: { sinceTime: at(4).replace('000000Z', 'Z') } })).lines, [
    'migrate migrated',
    'c GET / again',
  ]);
  assert.deepEqual((await told(['web'], { start: { tailLines: 1 } })).lines, ['migrate migrated', 'c GET / again']);
});

test('lines are left out by the flags', async () => {
  const { lines } = await told([], { include: [/GET/], exclude: [/health/] });
  assert.deepEqual(lines, ['c GET /', 'c GET / again']);
});

test('a name that nobody has is refused, with the nearest that there is', async () => {
  const error = await told(['postgrs']).catch((error: unknown) => error);
  assert.ok(error instanceof Failure);
  assert.deepEqual([error.kind, error.next], ['usage', 'did you mean postgres?']);
});

test('without a history it says who keeps one', async () => {
  await rm(folder.tree.at('.stormctl'), { recursive: true });
  const { lines, remarks } = await told();
  assert.deepEqual(lines, []);
  assert.deepEqual(remarks, [{ type: 'note', text: 'there is no history yet: `dev` and `run --tail` keep one' }]);
});
