import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holdsOf, type Restraints, restrain, tellRestraints } from '../../../src/dev/restraints.ts';
import { Failure } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import { ProjectFolder } from '../up/support.ts';

const free: Restraints = { sync: 'none', build: 'none', watch: true };

function projectOf(folder: ProjectFolder) {
  const at = { file: 'stormctl.yaml', line: 1, column: 1 };
  const sync = [{ from: 'src/**', base: 'src', to: '/app', at }];
  folder.service('web', 'storm/web', { sync });
  folder.service('api', 'storm/api', { sync, trigger: 'manual' });
  return folder.project;
}

test('--no-sync takes the sync rules away, from all or from one', () => {
  using folder = new ProjectFolder();
  const project = projectOf(folder);
  const rules = (restraints: Restraints) => restrain(project, restraints).services.map(({ sync }) => sync.length);
  assert.deepEqual(rules(free), [1, 1]);
  assert.deepEqual(rules({ ...free, sync: 'all' }), [0, 0]);
  assert.deepEqual(rules({ ...free, sync: ['web'] }), [0, 1]);
});

test('a service that there is not is a usage failure with the nearest one', () => {
  using folder = new ProjectFolder();
  const project = projectOf(folder);
  assert.throws(
    () => restrain(project, { ...free, build: ['wep'] }),
    (error) => error instanceof Failure && error.kind === 'usage' && error.next === 'did you mean web?',
  );
});

test('trigger: manual holds syncs and rebuilds, --no-build rebuilds alone', () => {
  using folder = new ProjectFolder();
  const project = projectOf(folder);
  const byTrigger = holdsOf(project, free);
  assert.deepEqual(
    [byTrigger('web', 'rebuild'), byTrigger('api', 'rebuild'), byTrigger('api', 'sync')],
    [undefined, 'trigger: manual', 'trigger: manual'],
  );
  const byFlag = holdsOf(project, { ...free, build: ['web'] });
  assert.deepEqual([byFlag('web', 'rebuild'), byFlag('web', 'sync')], ['--no-build', undefined]);
});

test('what is switched off is told', () => {
  const told = (restraints: Restraints) => {
    const reports: Report[] = [];
    tellRestraints(restraints, (report) => reports.push(report));
    return reports.map((report) => (report.type === 'note' ? report.text : report.type));
  };
  assert.deepEqual(told(free), []);
  assert.deepEqual(told({ ...free, sync: 'all', build: ['web', 'api'] }), [
    '--no-sync: files that a sync rule covers rebuild',
    '--no-build: changed files of web, api that need a build wait until it is asked for',
  ]);
  assert.match(told({ ...free, watch: false })[0] ?? '', /^--no-watch/);
});
