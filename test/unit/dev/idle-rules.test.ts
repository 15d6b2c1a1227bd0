import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { findIdleRules } from '../../../src/dev/idle-rules.ts';
import { createMatcher } from '../../../src/sync/match-rule.ts';
import { contextFolder } from '../../support/context-folder.ts';

test('a sync rule that matches no file is told with its place, and the folder that it is relative to', async () => {
  await using folder = await contextFolder({
    'services/web/Dockerfile': 'FROM x\nCOPY . /app\n',
    'services/web/.dockerignore': 'dist\n*.log',
    'services/web/src/deep/a.ts': '',
    'services/web/dist/b.js': '',
    'services/web/x.log': '',
    'services/web/node_modules/m/c.js': '',
    'src/only-here.css': '',
  });
  const context = join(folder.root, 'services/web');
  const rules = await folder.rules({ context, dockerfile: join(context, 'Dockerfile') });
  const globs = ['src/**/*.ts', 'dist/**', 'src/deep/a.ts', 'src/*.ts', '**/*.js', 'src/*.css', '*.log', 'lib/**'];
  const sync = globs.map((from, index) => ({
    from,
    base: '',
    to: '/app',
    at: { file: 'stormctl.yaml', line: index + 1, column: 9 },
  }));
  const service = { name: 'web', rules, sync, matcher: createMatcher(sync, rules.ignore), autoSync: false };
  const idle = await findIdleRules(
    { config: [], manifests: { files: [], areas: [] }, services: [service] },
    folder.root,
  );
  assert.deepEqual(
    idle.map(({ text }) => text),
    [
      'stormctl.yaml:4:9: the sync rule src/*.ts matches no file',
      'stormctl.yaml:5:9: the sync rule **/*.js matches no file',
      'stormctl.yaml:6:9: the sync rule src/*.css matches no file',
      'stormctl.yaml:7:9: the sync rule *.log matches no file',
      'stormctl.yaml:8:9: the sync rule lib/** matches no file',
    ],
  );
  assert.equal(idle[0]?.service, 'web');
  assert.match(idle[0]?.next ?? '', /relative to the build context, which is services\/web;/);
});
