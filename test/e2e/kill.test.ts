import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { ApiDoor, type Cut } from '../support/api-door.ts';
import { Cli, runCli } from '../support/cli.ts';
import { kubectl, lab } from '../support/lab.ts';
import { eventually, objectsIn, type SeenObject } from '../support/outside.ts';

const name = 't-kill';
const group = `${name}.example.com`;
const crdName = `customresourcedefinition/gadgets.${group}`;
const claim = 'persistentvolumeclaim/data-db-0';
/** What is there in the end. */
const objects = [crdName, 'configmap/early', 'service/web', 'deployment/base'].concat([
  'deployment/web',
  'statefulset/db',
  'job/job',
  'gadget/gadget',
]);

describe('a kill -9', { skip: lab.skip }, () => {
  let folder: string;
  let door: ApiDoor;

  const write = (file: string, ...objects: readonly object[]) =>
    writeFile(join(folder, file), objects.map((object) => JSON.stringify(object)).join('\n---\n'));

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stormctl-kill-'));
    door = await ApiDoor.open();
    await clean();
    await write('stormctl.yaml', {
      name,
      cluster: { namespace: name },
      timeout: '3m',
      deploy: [{ manifests: ['first.yaml'], wait: true }, { manifests: ['second.yaml'] }],
    });
  });
  after(async () => {
    await door[Symbol.asyncDispose]();
    await kubectl(['delete', 'namespace', name, '--ignore-not-found', '--wait=false']);
    await kubectl(['delete', 'crd', `gadgets.${group}`, '--ignore-not-found', '--wait=false']);
    await rm(folder, { recursive: true });
  });

  /** Runs a command that is killed at a request: the server either gets it or does not, and its answer never comes. */
  async function killed(args: readonly string[], cut: Cut): Promise<void> {
    await using cli = new Cli(args, { cwd: folder, env: door.env });
    const reached = door.next(cut, () => cli.kill('SIGKILL'));
    const { signal } = await cli.ended;
    door.forget();
    assert.equal(signal, 'SIGKILL', `${args.join(' ')} never asked for ${cut.at}: ${cli.text}\n${cli.stderr}`);
    await reached;
    await inventoryIsTrue();
  }
  const done = async (...args: readonly string[]) => {
    const ended = await runCli(args, { cwd: folder, env: door.env });
    assert.equal(ended.code, 0, `${args.join(' ')}: ${ended.text}\n${ended.stderr}`);
    await inventoryIsTrue();
    return ended.text;
  };
  /** Each of them begins where the one before was killed. */
  const killedAt = async (args: readonly string[], cuts: readonly (readonly [at: RegExp, arrives: boolean])[]) => {
    for (const [at, arrives] of cuts) await killed(args, { at, arrives });
  };

  test('of a first run, at each phase, leaves what the next one goes on with', async () => {
    await write('first.yaml', crd, configMap('early'), base);
    await write('second.yaml', configMap('old'), secret, service, web('1'), database('db'), job('1'), gadget);
    await killedAt(
      ['run'],
      [
        [/^POST .*\/namespaces\?/, true],
        [/^PATCH .*\/configmaps\/stormctl-/, false],
        [/^PATCH .*\/configmaps\/stormctl-/, true],
        [/^PATCH .*\/customresourcedefinitions\//, true],
        [/^PATCH .*\/deployments\/base/, false],
        [/^GET .*\/deployments\?watch=/, true],
        [/^PATCH .*\/secrets\/secret/, true],
        [/^PATCH .*\/jobs\/job/, true],
        [/^PATCH .*\/gadgets\/gadget/, false],
      ],
    );
    assert.match(await done('run'), /took t-kill over from .*: its process has ended/);
    assert.deepEqual(await standing(), [...objects, 'configmap/old', 'secret/secret'].toSorted());
    await eachPodOnce();
  });

  test('of a run that replaces and prunes loses nothing, and does nothing twice', async () => {
    const before = await uids();
    await write('second.yaml', configMap('old'), secret, service, web('1'), database('other'), job('1'), gadget);
    await killed(['run'], { at: /^DELETE .*\/statefulsets\/db/, arrives: true });
    await write('second.yaml', secret, service, web('2'), database('other'), job('2'), gadget);
    await killed(['run'], { at: /^DELETE .*\/jobs\/job/, arrives: true });
    await killed(['run'], { at: /^DELETE .*\/configmaps\/old/, arrives: true });
    await write('second.yaml', service, web('2'), database('other'), job('2'), gadget);
    await killed(['run'], { at: /^PATCH .*\/configmaps\/stormctl-/, arrives: false });
    await done('run');
    assert.deepEqual(await standing(), objects.toSorted());
    const after = await uids();
    for (const kept of ['pod/db-0', claim, 'deployment/web', 'gadget/gadget'])
      assert.equal(after.get(kept), before.get(kept), `${kept} is the one that it was`);
    for (const replaced of ['statefulset/db', 'job/job'])
      assert.notEqual(after.get(replaced), before.get(replaced), `${replaced} is another one`);
    await eachPodOnce();
    assert.doesNotMatch(await done('run'), /created|changed:/);
  });

  test('of a delete is mended by a run, or ended by a delete', async () => {
    await killedAt(
      ['delete'],
      [
        [/^PATCH .*\/persistentvolumeclaims\//, true],
        // Its pod takes its time: the next run finds what is on its way out.
        [/^DELETE .*\/deployments\/base/, true],
      ],
    );
    await done('run');
    assert.deepEqual(await standing(), [...objects, claim].toSorted());
    await eachPodOnce();
    await killedAt(
      ['delete'],
      [
        [/^GET .*\/deployments\?watch=/, true],
        [/^PATCH .*\/configmaps\/stormctl-/, false],
      ],
    );
    await done('delete');
    assert.match(await done('delete'), /nothing to delete/);
    assert.deepEqual(await standing(), [crdName, claim]);
    await done('delete', '--volumes', '--namespaces', '--crds');
    assert.deepEqual(await standing(), []);
    assert.equal(await kubectl(['get', 'namespace', name, '--ignore-not-found']), '');
  });
});

async function clean(): Promise<void> {
  await kubectl(['delete', 'namespace', name, '--ignore-not-found', '--timeout=120s']);
  await kubectl(['delete', 'crd', `gadgets.${group}`, '--ignore-not-found', '--timeout=120s']);
}

/** What a project could have written; custom objects by the definition that is there. */
async function seen(): Promise<readonly SeenObject[]> {
  const isCrd = ({ kind }: SeenObject) => kind === 'CustomResourceDefinition';
  const found = (
    await objectsIn(name, 'crd,deployments,statefulsets,jobs,configmaps,secrets,services,persistentvolumeclaims')
  ).filter(
    // Those of the whole cluster are listed.
    (object) => !isCrd(object) || object.metadata.name === `gadgets.${group}`,
  );
  if (!found.some(isCrd)) return found;
  // A definition that has just been written is served a moment later.
  const gadgets = await eventually(
    'the gadgets',
    () => objectsIn(name, 'gadgets'),
    () => true,
  );
  return [...found, ...gadgets];
}

/** Carries the mark of a member, and was not made by a controller from one. */
function isMember({ metadata }: SeenObject): boolean {
  return metadata.labels?.['applyset.kubernetes.io/part-of'] !== undefined && metadata.ownerReferences === undefined;
}

/** Whatever is a member is found by the kinds that the inventory names. */
async function inventoryIsTrue(): Promise<void> {
  const found = await seen();
  const inventory = found.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === `stormctl-${name}`);
  const kinds = inventory?.metadata.annotations?.['applyset.kubernetes.io/contains-group-kinds'];
  const recorded = new Set(kinds?.split(',').map((kind) => kind.split('.')[0]));
  const strays = found.filter((object) => isMember(object) && !recorded.has(object.kind));
  assert.deepEqual(strays.map(nameOf), [], `the inventory has ${kinds}`);
}

async function standing(): Promise<readonly string[]> {
  return (await seen()).filter(isMember).map(nameOf).toSorted();
}

async function uids(): Promise<ReadonlyMap<string, string>> {
  const found = [...(await seen()), ...(await objectsIn(name, 'pods'))];
  return new Map(found.map((object) => [nameOf(object), object.metadata.uid]));
}

/** Each workload has one pod, and none is left of what was replaced: the cluster collects those in its own time. */
async function eachPodOnce(): Promise<void> {
  const staying = async () => {
    const pods = (await objectsIn(name, 'pods')).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    return pods.map(({ metadata }) => metadata.labels?.['app']).toSorted();
  };
  await eventually('one pod of each', staying, (apps) => isDeepStrictEqual(apps, ['base', 'db', 'job', 'web']));
}

function nameOf({ kind, metadata }: SeenObject): string {
  return `${kind.toLowerCase()}/${metadata.name}`;
}

const configMap = (own: string, data: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: own },
  data,
});
const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'secret' }, stringData: { a: 'b' } };
const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
};
const crd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `gadgets.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { kind: 'Gadget', plural: 'gadgets', singular: 'gadget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};
const gadget = { apiVersion: `${group}/v1`, kind: 'Gadget', metadata: { name: 'gadget' }, size: 1 };
const podOf = (app: string, command: readonly string[]) => ({
  terminationGracePeriodSeconds: 0,
  containers: [{ name: app, image: 'alpine', command }],
});
const workload = (kind: string, app: string, podSpec: object, more: object = {}) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name: app },
  spec: {
    selector: { matchLabels: { app } },
    template: { metadata: { labels: { app } }, spec: podSpec },
    ...more,
  },
});
const forEver = ['sleep', '1000000'];
const base = workload('Deployment', 'base', { ...podOf('base', forEver), terminationGracePeriodSeconds: 3 });
const web = (word: string) =>
  workload('Deployment', 'web', podOf('web', ['sh', '-c', `: ${word}; exec sleep 1000000`]));
const database = (serviceName: string) =>
  workload('StatefulSet', 'db', podOf('db', forEver), {
    serviceName,
    volumeClaimTemplates: [
      {
        metadata: { name: 'data' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
      },
    ],
  });
const job = (word: string) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'job' },
  spec: {
    template: {
      metadata: { labels: { app: 'job' } },
      spec: { ...podOf('job', ['echo', word]), restartPolicy: 'Never' },
    },
  },
});
