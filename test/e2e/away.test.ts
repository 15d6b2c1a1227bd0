import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ApiDoor, type Cut } from '../support/api-door.ts';
import { Cli, runCli } from '../support/cli.ts';
import { kubectl, lab } from '../support/lab.ts';
import { leftIn } from '../support/outside.ts';

const awayMs = 30_000;

interface Phase {
  readonly name: string;
  readonly command: 'run' | 'delete';
  /** Whether a first version stands in the cluster, with a ConfigMap more. */
  readonly again: boolean;
  readonly cut: Cut;
}

const phases: readonly Phase[] = [
  { name: 'reading', command: 'run', again: false, cut: { at: /^GET .*\/configmaps\/stormctl-/, arrives: false } },
  { name: 'applying', command: 'run', again: false, cut: { at: /^PATCH .*\/configmaps\/map/, arrives: true } },
  { name: 'waiting', command: 'run', again: false, cut: { at: /^GET .*\/deployments\?watch=/, arrives: true } },
  { name: 'pruning', command: 'run', again: true, cut: { at: /^DELETE .*\/configmaps\/old/, arrives: true } },
  { name: 'deleting', command: 'delete', again: true, cut: { at: /^DELETE .*\/deployments\/web/, arrives: true } },
];

// Most of it is waiting, of each on a cluster of its own as it seems.
describe('an API server that is gone for 30 s', { skip: lab.skip, concurrency: phases.length + 1 }, () => {
  for (const phase of phases)
    test(`while a ${phase.command} is ${phase.name} is waited for, said once, and the work is finished`, () =>
      inProject(`t-away-${phase.name}`, async ({ door, write, run, folder, name }) => {
        if (phase.again) {
          await write(map, old, web);
          assert.equal((await run('run')).code, 0);
        }
        await write(map, web);
        await using cli = new Cli([phase.command], { cwd: folder, env: door.env });
        await door.next(phase.cut, () => void door.away(awayMs));
        const { code } = await cli.ended;
        assert.equal(code, 0, `${cli.text}\n${cli.stderr}`);
        const told = cli.lines.filter((line) => /the cluster is (gone|back)/.test(line));
        assert.deepEqual(
          told.map((line) => /the cluster is (gone|back)/.exec(line)?.[1]),
          ['gone', 'back'],
          cli.text,
        );
        assert.equal(cli.stderr, '');
        const left = (await leftIn(name)).filter((each) => !/^(pod|replicaset)\//.test(each));
        const inventory = `configmap/stormctl-${name}`;
        assert.deepEqual(
          left,
          phase.command === 'delete' ? [inventory] : ['configmap/map', inventory, 'deployment/web'],
        );
        assert.equal(await kubectl(['get', 'leases', '-n', name, '-o', 'name']), '');
        const next = await run(phase.command);
        assert.equal(next.code, 0, next.stderr);
        assert.match(next.text, phase.command === 'delete' ? /nothing to delete/ : /applied 2 unchanged/);
      }));

  test('before it has answered once is told at once, in one message, and nothing is left of the try', () =>
    inProject('t-away-first', async ({ door, write, run, name }) => {
      await write(map);
      const reached = door.next(
        { at: /^GET .*\/namespaces\/kube-system/, arrives: false },
        () => void door.away(awayMs),
      );
      const refused = await run('run');
      await reached;
      assert.equal(refused.code, 6, refused.text);
      assert.equal(refused.stderr.match(/^✗/gm)?.length, 1, refused.stderr);
      assert.equal(await kubectl(['get', 'namespace', name, '--ignore-not-found']), '');
    }));
});

interface Scene {
  readonly name: string;
  readonly folder: string;
  readonly door: ApiDoor;
  readonly write: (...objects: readonly object[]) => Promise<void>;
  readonly run: (...args: readonly string[]) => ReturnType<typeof runCli>;
}

async function inProject(name: string, body: (scene: Scene) => Promise<void>): Promise<void> {
  await kubectl(['delete', 'namespace', name, '--ignore-not-found', '--timeout=120s']);
  const folder = await mkdtemp(join(tmpdir(), 'stormctl-away-'));
  await using door = await ApiDoor.open();
  const write = (file: string, objects: readonly object[]) =>
    writeFile(join(folder, file), objects.map((object) => JSON.stringify(object)).join('\n---\n'));
  await write('stormctl.yaml', [{ name, cluster: { namespace: name }, deploy: [{ manifests: ['all.yaml'] }] }]);
  try {
    await body({
      name,
      folder,
      door,
      write: (...objects) => write('all.yaml', objects),
      run: (...args) => runCli(args, { cwd: folder, env: door.env }),
    });
  } finally {
    await kubectl(['delete', 'namespace', name, '--ignore-not-found', '--wait=false']);
    await rm(folder, { recursive: true });
  }
}

const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: 'b' } });
const map = configMap('map');
const old = configMap('old');
const web = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'main', image: 'alpine', command: ['sleep', '1000000'] }],
      },
    },
  },
};
