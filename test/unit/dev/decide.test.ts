import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ChangedPaths, decide, type Ground, type GroundService } from '../../../src/dev/decide.ts';
import { globArea } from '../../../src/lib/glob.ts';
import type { Build, SyncRule } from '../../../src/project.ts';
import { createMatcher } from '../../../src/sync/match-rule.ts';
import { type ContextFolder, contextFolder } from '../../support/context-folder.ts';

const at = { file: 'stormctl.yaml', line: 4, column: 5 };
const rule = (from: string, base: string, to: string): SyncRule => ({ from, base, to, at });

async function serviceIn(
  folder: ContextFolder,
  name: string,
  build: Partial<Build> = {},
  sync: readonly SyncRule[] = [],
  autoSync = false,
): Promise<GroundService> {
  const rules = await folder.rules(build);
  return { name, rules, sync, matcher: createMatcher(sync, rules.ignore), autoSync };
}

function decideOn(folder: ContextFolder, services: readonly GroundService[], batch: Partial<ChangedPaths>) {
  const absolute = (paths: readonly string[] = []) => paths.map((path) => join(folder.root, path));
  const ground: Ground = {
    config: absolute(['stormctl.yaml', '.env']),
    manifests: {
      files: absolute(['k8s/web.yaml', 'infra/config.properties']),
      areas: ['k8s/**/*.{yaml,yml}'].flatMap((glob) => globArea(glob, folder.root) ?? []),
    },
    services,
  };
  const { changed, removed, modes } = batch;
  return decide({ changed: absolute(changed), removed: absolute(removed), modes: absolute(modes) }, ground);
}

const summary = (decisions: ReturnType<typeof decide>) =>
  decisions.map((decision) => {
    const { action, paths, because } = decision;
    return 'service' in decision ? [action, decision.service, ...paths, because] : [action, paths.length, because];
  });

test('a path is decided for each service whose context holds it, and for no other', async () => {
  await using folder = await contextFolder({
    'a/Dockerfile': 'FROM x\nCOPY . .\n',
    'b/Dockerfile': 'FROM x\nADD . .\n',
  });
  const inFolder = (name: string) => ({
    context: join(folder.root, name),
    dockerfile: join(folder.root, name, 'Dockerfile'),
  });
  const services = [
    await serviceIn(folder, 'a', inFolder('a')),
    await serviceIn(folder, 'b', inFolder('b')),
    await serviceIn(folder, 'root', { dockerfile: join(folder.root, 'a/Dockerfile') }),
  ];
  assert.deepEqual(summary(decideOn(folder, services, { changed: ['b/x.go'] })), [
    ['rebuild', 'b', 'x.go', 'Dockerfile:2 ADD . .'],
    ['rebuild', 'root', 'b/x.go', 'Dockerfile:2 COPY . .'],
  ]);
  assert.deepEqual(decideOn(folder, services.slice(0, 2), { changed: ['elsewhere/x.go'] }), []);
});

test('services that share the repository as context are rebuilt only by what each copies', async () => {
  await using folder = await contextFolder({
    'services/a/Dockerfile': 'FROM x\nCOPY go.mod .\nCOPY services/a a\n',
    'services/b/Dockerfile': 'FROM x\nCOPY go.mod .\nCOPY services/b b\n',
  });
  const services = await Promise.all(
    ['a', 'b'].map((name) => serviceIn(folder, name, { dockerfile: join(folder.root, `services/${name}/Dockerfile`) })),
  );
  assert.deepEqual(summary(decideOn(folder, services, { changed: ['services/a/main.go'] })), [
    ['rebuild', 'a', 'services/a/main.go', 'Dockerfile:3 COPY services/a a'],
    ['ignore', 'b', 'services/a/main.go', 'no COPY or ADD of the target stage reaches it'],
  ]);
  assert.deepEqual(
    summary(decideOn(folder, services, { changed: ['go.mod'] })).map(([action]) => action),
    ['rebuild', 'rebuild'],
  );
  assert.deepEqual(summary(decideOn(folder, services, { changed: ['services/a/Dockerfile'] }))[0], [
    'rebuild',
    'a',
    'services/a/Dockerfile',
    'it is the Dockerfile',
  ]);
});

test('a sync rule goes before COPY, and a removed file is removed there', async () => {
  await using folder = await contextFolder({ Dockerfile: 'FROM x\nCOPY . /app\n' });
  const services = [await serviceIn(folder, 'web', {}, [rule('src/**/*.ts', 'src', '/app/src')])];
  const [decision] = decideOn(folder, services, { changed: ['src/a/b.ts'], removed: ['src/c.ts'] });
  assert.deepEqual(decision, {
    action: 'sync',
    service: 'web',
    paths: ['src/a/b.ts', 'src/c.ts'],
    changed: [{ from: join(folder.root, 'src/a/b.ts'), to: '/app/src/a/b.ts', root: '/app/src' }],
    removed: [{ from: join(folder.root, 'src/c.ts'), to: '/app/src/c.ts', root: '/app/src' }],
    because: 'src/**/*.ts → /app/src (stormctl.yaml:4:5)',
  });
});

test('the executable bits of a file go with it when they changed', async () => {
  await using folder = await contextFolder({ Dockerfile: 'FROM x\nCOPY . /app\n' });
  const services = [await serviceIn(folder, 'web', {}, [rule('src/**', 'src', '/app/src')])];
  const [decision] = decideOn(folder, services, { changed: ['src/a.sh', 'src/b.sh'], modes: ['src/b.sh'] });
  assert.ok(decision?.action === 'sync');
  assert.deepEqual(
    decision.changed.map(({ to, modeChanged }) => [to, modeChanged]),
    [
      ['/app/src/a.sh', undefined],
      ['/app/src/b.sh', true],
    ],
  );
});

test('one file that no rule covers makes the whole batch a rebuild, that names it', async () => {
  await using folder = await contextFolder({ Dockerfile: 'FROM x\nCOPY . /app\n' });
  const services = [await serviceIn(folder, 'web', {}, [rule('src/**/*.ts', 'src', '/app/src')])];
  assert.deepEqual(summary(decideOn(folder, services, { changed: ['src/a.ts'], removed: ['package.json'] })), [
    ['rebuild', 'web', 'package.json', 'Dockerfile:2 COPY . /app, and no sync rule covers it'],
  ]);
});

test('the ignore file rebuilds, and what it has is ignored by its line', async () => {
  await using folder = await contextFolder({ Dockerfile: 'FROM x\nCOPY . /app\n', '.dockerignore': '*.md\n' });
  const services = [await serviceIn(folder, 'web')];
  assert.deepEqual(summary(decideOn(folder, services, { removed: ['.dockerignore'] })), [
    ['rebuild', 'web', '.dockerignore', 'it is the ignore file'],
  ]);
  assert.deepEqual(summary(decideOn(folder, services, { changed: ['README.md'] })), [
    ['ignore', 'web', 'README.md', 'the ignore file has *.md'],
  ]);
});

test('a file whose name begins with two dots is inside', async () => {
  await using folder = await contextFolder({ Dockerfile: 'FROM x\nCOPY . /app\n' });
  const decisions = decideOn(folder, [await serviceIn(folder, 'web')], { changed: ['..data'] });
  assert.deepEqual(summary(decisions), [['rebuild', 'web', '..data', 'Dockerfile:2 COPY . /app']]);
});

test('what a rule covers and no COPY brings is marked as in no image', async () => {
  await using folder = await contextFolder({ Dockerfile: 'FROM x\nCOPY src /src\n' });
  const rules = [rule('src/**', 'src', '/src'), rule('gen/**', 'gen', '/gen')];
  const services = [await serviceIn(folder, 'web', {}, rules)];
  const [synced] = decideOn(folder, services, { changed: ['src/a.ts', 'gen/b.ts'], removed: ['gen/c.ts'] });
  assert.ok(synced?.action === 'sync');
  assert.deepEqual(
    [...synced.changed, ...synced.removed].map(({ to, notInImage }) => [to, notInImage]),
    [
      ['/src/a.ts', undefined],
      ['/gen/b.ts', true],
      ['/gen/c.ts', true],
    ],
  );
});

test('manifests redeploy: files that are read, and manifests that are new where a glob finds them', async () => {
  await using folder = await contextFolder({ Dockerfile: 'FROM x\n' });
  for (const path of ['k8s/web.yaml', 'k8s/new/more.yml', 'infra/config.properties'])
    assert.deepEqual(summary(decideOn(folder, [], { changed: [path] })), [
      ['redeploy', 1, 'the manifests are made of it'],
    ]);
  assert.deepEqual(summary(decideOn(folder, [], { removed: ['k8s/web.yaml'] })).length, 1);
  assert.deepEqual(decideOn(folder, [], { changed: ['k8s/notes.md', 'infra/other.properties', 'k8s2/web.yaml'] }), []);
});

test('the config reloads, and what else was saved with it is decided too', async () => {
  await using folder = await contextFolder({ Dockerfile: 'FROM x\nCOPY src src\n' });
  const services = [await serviceIn(folder, 'web')];
  assert.deepEqual(
    summary(decideOn(folder, services, { changed: ['.env', 'src/a.ts', 'k8s/web.yaml'] })).map(([action]) => action),
    ['reload', 'redeploy', 'rebuild'],
  );
});

test('sync: auto goes where COPY puts it and names the line; what a RUN uses rebuilds by that line', async () => {
  await using folder = await contextFolder({
    Dockerfile: 'FROM x\nWORKDIR /app\nCOPY package.json ./\nRUN npm ci\nCOPY src ./src\nCOPY src /copy/\n',
    '.dockerignore': '*.md',
  });
  const services = [await serviceIn(folder, 'web', {}, [rule('src/views/**', 'src/views', '/views')], true)];
  const [synced] = decideOn(folder, services, { changed: ['src/a.ts', 'src/views/b.html'], removed: ['src/c.ts'] });
  const at = (path: string, to: string, root: string) => ({ from: join(folder.root, path), to, root });
  assert.deepEqual(synced, {
    action: 'sync',
    service: 'web',
    paths: ['src/a.ts', 'src/views/b.html', 'src/c.ts'],
    changed: [
      at('src/a.ts', '/app/src/a.ts', '/app/src'),
      at('src/a.ts', '/copy/a.ts', '/copy'),
      at('src/views/b.html', '/views/b.html', '/views'),
    ],
    removed: [at('src/c.ts', '/app/src/c.ts', '/app/src'), at('src/c.ts', '/copy/c.ts', '/copy')],
    because: 'Dockerfile:5 COPY src ./src',
  });
  assert.deepEqual(summary(decideOn(folder, services, { changed: ['src/a.ts', 'package.json'] })), [
    ['rebuild', 'web', 'package.json', 'Dockerfile:4 RUN npm ci runs after Dockerfile:3 COPY package.json ./'],
  ]);
  assert.deepEqual(summary(decideOn(folder, services, { changed: ['a.md', 'other'] })), [
    ['ignore', 'web', 'a.md', 'other', 'the ignore file has *.md'],
  ]);
  assert.deepEqual(summary(decideOn(folder, services, { changed: ['Dockerfile'] })), [
    ['rebuild', 'web', 'Dockerfile', 'it is the Dockerfile'],
  ]);
});
