import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Failure } from '../../../src/errors.ts';
import { never } from '../../../src/lib/abort.ts';
import { Mask } from '../../../src/lib/mask.ts';
import { archiveProject } from '../../../src/up/archive-project.ts';
import { SessionRecord } from '../../../src/up/record.ts';
import { refusal } from '../../support/fake-kube.ts';
import { readArchive } from '../archive/read-archive.ts';
import { PlayingKube } from '../dev/playing-kube.ts';
import { log } from '../history/support.ts';
import { appliedWeb } from './support.ts';

const secret = 'swordfish-1234';

async function scene() {
  const kube = new PlayingKube();
  const { folder } = await appliedWeb(kube);
  await writeFile(folder.project.file, `name: storm # ${secret}\n`);
  const data = { password: Buffer.from(secret).toString('base64'), pin: Buffer.from('7319').toString('base64') };
  const metadata = { name: 'db', namespace: 'storm' };
  kube.put({ apiVersion: 'v1', kind: 'Secret', metadata, data });
  for (const { metadata } of kube.all('Pod'))
    kube.printed.set(`storm/${metadata.name}/main`, `2026-01-01T00:00:00.000000001Z with ${secret}\n`);
  return { kube, folder };
}

async function archive({ kube, folder }: Awaited<ReturnType<typeof scene>>, broken?: Error) {
  const file = folder.tree.at('bug.tar.gz');
  const archived = await archiveProject({
    project: folder.project,
    file,
    mayReplace: false,
    openCluster: () => (broken ? Promise.reject(broken) : Promise.resolve(kube)),
    context: undefined,
    env: { DOCKER_HOST: 'tcp://127.0.0.1:1', HOME: folder.tree.path },
    mask: new Mask(),
    version: '1.2.3',
    signal: never,
  });
  const files = await readArchive(file);
  await rm(file);
  return { archived, files, names: Object.keys(files).sort() };
}

test('an archive holds logs, objects, manifests, the config and what sessions kept, and no secret', async () => {
  const it = await scene();
  using _ = it.folder;
  {
    await using record = new SessionRecord(() => {});
    record.keep(it.folder.project);
    record.report(log('web', 1, `old ${secret}`));
    record.report({ type: 'note', text: `said ${secret}` });
  }
  const pod = it.kube.all('Pod').find(({ metadata }) => metadata.name.startsWith('web'));
  assert.ok(pod);
  const events = [{ metadata: {}, type: 'Warning', reason: 'Failed', message: `no ${secret}`, lastTimestamp: 'T' }];
  for (const [index, event] of events.entries())
    it.kube.put({
      ...event,
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `e${index}`, namespace: 'storm' },
      involvedObject: { kind: 'Pod', name: pod.metadata.name },
    });
  const { archived, files, names } = await archive(it);
  const text = JSON.stringify(files);
  assert.equal(text.includes(secret), false);
  assert.equal(text.includes(Buffer.from(secret).toString('base64')), false);
  assert.equal(files[`logs/storm/${pod.metadata.name}/main.log`], '2026-01-01T00:00:00.000000001Z with ***\n');
  assert.match(files['events/storm.txt'] ?? '', /^T Warning pod\/web-\S+ Failed: no \*\*\*\n$/);
  assert.match(files['history/web.log'] ?? '', / old \*\*\*\n$/);
  assert.match(files['last-session.jsonl'] ?? '', /said \*\*\*/);
  assert.equal(files['stormctl.yaml'], 'name: storm # ***\n');
  assert.match(files['manifests.yaml'] ?? '', /kind: Deployment/);
  for (const name of ['objects/storm/deployment/web.yaml', 'objects/storm/deployment/db.yaml', 'nodes.yaml'])
    assert.ok(names.includes(name), `${name} in ${names.join(' ')}`);
  const index = JSON.parse(files['index.json'] ?? '') as Readonly<Record<string, unknown>>;
  assert.deepEqual([index['stormctl'], index['kubernetes'], index['project']], ['1.2.3', 'v1.33.6', 'storm']);
  assert.deepEqual(
    archived.problems.map(({ what }) => what),
    ['the version of the engine'],
  );
  assert.deepEqual([archived.logs, archived.previousLogs, archived.unmasked], [2, 0, []]);
});

test('what may not be read is noted, and the rest is there', async () => {
  const it = await scene();
  using _ = it.folder;
  const [first] = it.kube.all('Pod');
  assert.ok(first);
  it.kube.printed.delete(`storm/${first.metadata.name}/main`);
  const forbidden = refusal('GET', '/secrets', 403, 'Forbidden', 'secrets is forbidden');
  it.kube.failNext(({ path }) => path.endsWith('/secrets'), forbidden, 100);
  const { archived, files } = await archive(it);
  assert.deepEqual(archived.unmasked, ['storm']);
  assert.equal(archived.logs, 1);
  const { problems } = JSON.parse(files['index.json'] ?? '') as { readonly problems: readonly unknown[] };
  assert.deepEqual(problems, archived.problems);
  const whats = archived.problems.map(({ what, why }) => `${what}: ${why}`);
  assert.ok(whats.includes('Secrets in storm: secrets is forbidden'), whats.join('\n'));
  assert.ok(whats.includes(`logs/storm/${first.metadata.name}/main.log: container not found`), whats.join('\n'));
});

test('without a cluster there is what this machine knows', async () => {
  const it = await scene();
  using _ = it.folder;
  const { archived, names } = await archive(it, new Failure('unreachable', 'nobody answers'));
  assert.deepEqual(names, ['index.json', 'manifests.yaml', 'stormctl.yaml']);
  assert.deepEqual(archived.problems[0], { what: 'the cluster', why: 'nobody answers' });
  assert.deepEqual(archived.unmasked, ['storm']);
});

test('short values are hidden where a variable is exactly that', async () => {
  const it = await scene();
  using _ = it.folder;
  it.kube.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'odd', namespace: 'storm', labels: { 'stormctl.dev/project': 'storm' } },
    spec: { containers: [{ name: 'c', env: [{ name: 'PIN', value: '7319' }], args: ['7319x'] }] },
  });
  const { files } = await archive(it);
  const text = files['objects/storm/pod/odd.yaml'] ?? '';
  assert.match(text, /name: PIN\n\s+value: "\*\*\*"/);
  assert.match(text, /7319x/);
});

test('of a kind that may not be listed that is noted, and what else the project has is there', async () => {
  const it = await scene();
  using _ = it.folder;
  it.kube.forbid(({ method, path }) => method === 'GET' && path.endsWith('/deployments'));
  const { archived, names } = await archive(it);
  const why = archived.problems.find(({ what }) => what === 'Deployment.apps')?.why;
  assert.match(why ?? '', /cannot list resource "deployments"/);
  assert.ok(
    names.some((name) => name.startsWith('objects/storm/pod/')),
    names.join(' '),
  );
});
