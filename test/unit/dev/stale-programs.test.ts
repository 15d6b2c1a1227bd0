import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StalePrograms } from '../../../src/dev/stale-programs.ts';
import type { Report } from '../../../src/events.ts';
import type { Service } from '../../../src/project.ts';
import { ProjectFolder, workload } from '../up/support.ts';

/** What is told when `paths` came into `web`, which its workload starts by `command`. */
async function told(paths: readonly string[], command: string, kind = 'Deployment', more: Partial<Service> = {}) {
  using folder = new ProjectFolder();
  folder.service('web', 'storm/web', more);
  const manifest = workload(kind, 'web', 'storm/web');
  folder.manifest('web.yaml', manifest.replace("'storm/web'", `storm/web, command: [${command}]`));
  const plan = await folder.plan();
  const reports: Report[] = [];
  const programs = new StalePrograms((report) => reports.push(report));
  await programs.synced('web', paths, plan);
  await programs.synced('web', paths, plan);
  await programs.synced('nobody', paths, plan);
  return reports.map((report) => report.type === 'warning' && report.text);
}

const stale = 'main.js is in the container, but node loads it only when it starts: what runs is older';

test('a program that loads its files once is told of once, by the file that it would load', async () => {
  assert.deepEqual(await told(['page.html', 'main.js'], 'node, main.js'), [stale]);
});

test('nothing is told of other files, of one that watches, of one that is restarted, and of a Job', async () => {
  assert.deepEqual(await told(['page.html'], 'node, main.js'), []);
  assert.deepEqual(await told(['main.js'], 'node, --watch, main.js'), []);
  assert.deepEqual(await told(['main.js'], 'node, main.js', 'Deployment', { afterSync: { kind: 'restart' } }), []);
  assert.deepEqual(await told(['main.js'], 'node, main.js', 'Job'), []);
});

test('what a script starts is read once an image', async () => {
  using folder = new ProjectFolder();
  folder.service('web', 'storm/web');
  const manifest = workload('Deployment', 'web', 'storm/web');
  folder.manifest('web.yaml', manifest.replace("'storm/web'", 'storm/web, command: [npm, run, dev]'));
  const script = (dev: string) => folder.tree.write('web/package.json', JSON.stringify({ scripts: { dev } }));
  script('nodemon main.js');
  const plan = await folder.plan();
  const reports: Report[] = [];
  const programs = new StalePrograms((report) => reports.push(report));
  await programs.synced('web', ['main.js'], plan);
  script('node main.js');
  await programs.synced('web', ['main.js'], plan);
  assert.deepEqual(reports, []);
  programs.rebuilt('web');
  await programs.synced('web', ['main.js'], plan);
  assert.equal(reports.length, 1);
});
