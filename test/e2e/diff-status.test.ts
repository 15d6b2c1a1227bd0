import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ObjectChange, ObjectStatus } from '../../src/objects.ts';
import { Cli, runCli } from '../support/cli.ts';
import { kubectl, lab } from '../support/lab.ts';
import { eventually, objectsIn } from '../support/outside.ts';

const name = 't-look';
const env = { KUBECONFIG: lab.kubeconfig };
const firstSecret = 'hunter22hunter';
const secondSecret = 'correct-horse-battery';

describe('what diff and status say of a project', { skip: lab.skip }, () => {
  let folder: string;
  const write = (...objects: readonly object[]) =>
    writeFile(join(folder, 'all.yaml'), objects.map((object) => JSON.stringify(object)).join('\n---\n'));
  const run = (...args: readonly string[]) => runCli(args, { cwd: folder, env });
  const done = async (...args: readonly string[]) => {
    const ended = await run(...args);
    assert.equal(ended.code, 0, `${ended.text}\n${ended.stderr}`);
    return ended.text;
  };
  /** Everything that a project could write, with the version that the cluster counts. */
  const versions = async () =>
    (await objectsIn(name, 'configmaps,secrets,deployments,leases')).map(
      ({ kind, metadata }) =>
        `${kind}/${metadata.name} ${metadata.uid} ${metadata.generation ?? metadata.resourceVersion}`,
    );

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stormctl-look-'));
    const config = { name, cluster: { namespace: name }, deploy: [{ manifests: ['all.yaml'] }] };
    await writeFile(join(folder, 'stormctl.yaml'), JSON.stringify(config));
    await kubectl(['delete', 'namespace', name, '--ignore-not-found', '--timeout=120s']);
  });
  after(async () => {
    await kubectl(['delete', 'namespace', name, '--ignore-not-found', '--wait=false']);
    await rm(folder, { recursive: true });
  });

  test('diff tells each field, never a secret, writes nothing, and ends with 1; with 0 when there is nothing to tell', async () => {
    await write(config('1'), old, secret(firstSecret), web('alpine', 'a'));
    const first = await run('diff');
    assert.equal(first.code, 1, first.stderr);
    for (const id of ['configmap/config', 'configmap/old', 'secret/secret', 'deployment/web'])
      assert.match(first.text, new RegExp(`^\\+ ${id}  new$`, 'm'));
    assert.equal(await kubectl(['get', 'namespace', name, '--ignore-not-found']), '');

    await done('run');
    const before = await versions();
    assert.match(await done('diff'), /^no changes, 4 objects as deployed$/m);

    await write(config('2'), secret(secondSecret), web('alpine', 'b'));
    const changed = await run('diff');
    assert.equal(changed.code, 1, changed.stderr);
    assert.match(changed.text, /^~ configmap\/config\n {4}- data\.gone: x\n {4}~ data\.size: "1" → "2"$/m);
    assert.match(changed.text, /^- configmap\/old {2}not in the manifests any more: it is deleted$/m);
    assert.match(
      changed.text,
      /^~ deployment\/web\n {4}~ spec\.template\.spec\.containers\[main\]\.env\[WORD\]: a → b$/m,
    );
    assert.match(changed.text, /^~ secret\/secret\n {4}~ data\.password: \*\*\* → \*\*\*$/m);

    const json = await run('diff', '-o', 'json');
    assert.equal(json.code, 1);
    const said = JSON.parse(json.text) as {
      version: number;
      ok: boolean;
      changes: readonly ObjectChange[];
      unchanged: number;
    };
    assert.deepEqual([said.version, said.ok, said.unchanged], [1, true, 0]);
    const byName = new Map(said.changes.map((change) => [`${change.id.kind}/${change.id.name}`, change]));
    assert.equal(byName.get('ConfigMap/old')?.kind, 'pruned');
    const config2 = byName.get('ConfigMap/config');
    assert.ok(config2?.kind === 'changed');
    assert.deepEqual(config2.fields, [
      { path: 'data.gone', before: 'x' },
      { path: 'data.size', before: '1', after: '2' },
    ]);
    const masked = byName.get('Secret/secret');
    assert.ok(masked?.kind === 'changed');
    assert.deepEqual(masked.fields, [{ path: 'data.password', before: '***', after: '***' }]);

    for (const value of [firstSecret, secondSecret])
      for (const form of [value, Buffer.from(value).toString('base64')])
        for (const { text, stderr } of [first, changed, json]) assert.ok(!`${text}${stderr}`.includes(form), form);
    assert.deepEqual(await versions(), before, 'nothing was written');
  });

  test('status ends with 1 and says why while something is not ready, with 0 when all is, and --watch follows it there', async () => {
    await write(config('2'), secret(secondSecret), web('localhost:5000/no/such:1', 'b'));
    assert.equal((await run('run', '--timeout', '2s')).code, 5);
    // A node may take its time to try.
    const broken = await eventually(
      'why it is not ready',
      () => run('status'),
      ({ text }) => /^✗ {2}deployment\/web .*\n.*localhost:5000\/no\/such:1.*can't be pulled/m.test(text),
    );
    assert.equal(broken.code, 1, broken.text);

    await using lines = new Cli(['status', '--watch'], { cwd: folder, env });
    await using objects = new Cli(['status', '--watch', '-o', 'json'], { cwd: folder, env });
    await lines.until('the state', ({ text }) => /^✗ deployment\/web/m.test(text));
    await objects.until('the state', ({ lines }) => lines.length > 0);
    await write(config('2'), secret(secondSecret), web('alpine', 'c'));
    await done('run');
    await lines.until('the rollout', ({ text }) => /^✓ deployment\/web/m.test(text));
    const last = () => JSON.parse(objects.lines.at(-1) ?? '') as { ready: boolean; objects: readonly ObjectStatus[] };
    await objects.until('the rollout', () => last().ready && last().objects[0]?.images[0]?.others.length === 0);
    for (const cli of [lines, objects]) {
      cli.kill('SIGINT');
      assert.equal((await cli.ended).code, 130, cli.stderr);
    }
    for (const line of objects.lines) assert.deepEqual(JSON.parse(line), { ...JSON.parse(line), version: 1, ok: true });

    assert.match(await done('status'), /^✓ {2}deployment\/web +1\/1 .*alpine/m);
    const json = await run('status', '-o', 'json');
    assert.equal(json.code, 0);
    const [status] = (JSON.parse(json.text) as { objects: readonly ObjectStatus[] }).objects;
    assert.deepEqual(
      { ...status, createdAt: typeof status?.createdAt, because: status?.because, service: status?.service },
      {
        id: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: name, name: 'web' },
        service: undefined,
        ready: true,
        because: undefined,
        images: [{ container: 'main', image: 'alpine', others: [] }],
        pods: { ready: 1, wanted: 1 },
        restarts: 0,
        ports: [],
        createdAt: 'string',
      },
    );

    await done('delete');
    const deleted = await run('status');
    assert.equal(deleted.code, 1, deleted.text);
    assert.equal(deleted.text, `nothing of ${name} is deployed in namespace ${name}`);
  });
});

const config = (size: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'config' },
  data: { size, ...(size === '1' ? { gone: 'x' } : {}) },
});
const old = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'old' } };
const secret = (password: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'secret' },
  stringData: { password },
});
const web = (image: string, word: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'main', image, command: ['sleep', '1000000'], env: [{ name: 'WORD', value: word }] }],
      },
    },
  },
});
