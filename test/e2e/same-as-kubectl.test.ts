import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { compareFields } from '../../src/lib/field-changes.ts';
import { runCli } from '../support/cli.ts';
import { kubectl, lab, testNamespace } from '../support/lab.ts';
import { formatObjects, type Generated, generateObjects } from './generated-objects.ts';

/** Names tell them: `s1-service-a` is of seed 1. */
const seeds = [1, 2, 3, 4];
const ours = { side: 'ours', namespace: 't-same-ours', manager: 'stormctl' };
const theirs = { side: 'theirs', namespace: 't-same-theirs', manager: 'kubectl' };
type Side = typeof ours;
const definitions = ({ side }: Side) => seeds.map((seed) => `things.s${seed}.${side}.t-same.example.com`);

describe('what run writes and what kubectl apply --server-side writes', { skip: lab.skip }, () => {
  let folder: string;
  const generated = seeds.map(generateObjects);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stormctl-same-'));
    await removeDefinitions();
    await testNamespace(theirs.namespace);
    await kubectl(['delete', 'namespace', ours.namespace, '--ignore-not-found', '--timeout=120s']);
    const steps = seeds.map((seed) => ({ manifests: [`s${seed}.yaml`] }));
    const config = { name: ours.namespace, cluster: { namespace: ours.namespace }, deploy: steps, timeout: '3m' };
    await writeFile(join(folder, 'stormctl.yaml'), JSON.stringify(config));
  });
  after(async () => {
    await kubectl(['delete', 'namespace', ours.namespace, theirs.namespace, '--ignore-not-found', '--wait=false']);
    await removeDefinitions();
    await rm(folder, { recursive: true });
  });

  // An apply that empties a map takes it away, and the same one again writes it: the server's own affair, for both.
  for (const [number, again] of [
    [0, ''],
    [1, ''],
    [1, ', once more'],
  ] as const)
    test(`is the same, field by field, and so is who owns it: generation ${number + 1} of seeds ${seeds.join(', ')}${again}`, async () => {
      const sets = generated.map((generations) => generations[number]);
      for (const [index, objects] of sets.entries())
        await writeFile(join(folder, `s${seeds[index]}.yaml`), on(ours, formatObjects(objects)));
      // What it remembers to have applied it would not send again.
      await rm(join(folder, '.stormctl'), { recursive: true, force: true });
      const [run] = await Promise.all([
        runCli(['run'], { cwd: folder, env: { KUBECONFIG: lab.kubeconfig } }),
        applyByKubectl(sets.flat()),
      ]);
      assert.equal(run.code, 0, `${run.text}\n${run.stderr}`);
      const [mine, other] = await Promise.all([read(ours), read(theirs)]);
      const wanted = sets.flat().map(({ kind, metadata: { name } }) => `${kind} ${on(ours, name)}`);
      assert.deepEqual([...mine.keys()].toSorted(), wanted.toSorted());
      const differences = wanted.flatMap((name) => {
        const [left, right] = [other.get(name), mine.get(name)];
        return compareFields(left, right).map(
          ({ path, before, after }) =>
            `${name} ${path}: kubectl ${JSON.stringify(before)}, stormctl ${JSON.stringify(after)}`,
        );
      });
      assert.equal(differences.join('\n'), '');
    });

  test('is found by diff and by another run to be what it should be', async () => {
    const versions = async () => (await kubectl(['get', kinds, '-n', ours.namespace, '-o', versionsOf])).split('\n');
    const before = await versions();
    for (const [command, nothing] of [
      ['diff', /no changes/],
      ['run', /applied \d+ unchanged in/],
    ] as const) {
      const again = await runCli([command], { cwd: folder, env: { KUBECONFIG: lab.kubeconfig } });
      assert.equal(again.code, 0, `${again.text}\n${again.stderr}`);
      assert.match(again.text, nothing);
    }
    assert.deepEqual(await versions(), before);
  });
});

const versionsOf = String.raw`jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.generation} {.metadata.uid}{"\n"}{end}`;

async function removeDefinitions(): Promise<void> {
  await kubectl([
    'delete',
    'crd',
    ...definitions(ours),
    ...definitions(theirs),
    '--ignore-not-found',
    '--timeout=120s',
  ]);
}

/** Definitions first: kubectl wants to know every kind before it writes anything. */
async function applyByKubectl(objects: readonly Generated[]): Promise<void> {
  const isDefinition = ({ kind }: Generated) => kind === 'CustomResourceDefinition';
  const apply = (some: readonly Generated[]) =>
    kubectl(['apply', '--server-side', '-n', theirs.namespace, '-f', '-'], on(theirs, formatObjects(some)));
  await apply(objects.filter(isDefinition));
  await kubectl(['wait', 'crd', ...definitions(theirs), '--for=condition=Established', '--timeout=120s']);
  await apply(objects.filter((object) => !isDefinition(object)).map(stringDataAsData));
}

/** stormctl writes it as `data`, so that a value that is left out goes; kubectl leaves it for ever. */
function stringDataAsData(object: Generated): Generated {
  const { stringData, ...rest } = object;
  if (stringData === undefined) return object;
  const encoded = Object.entries(stringData as Readonly<Record<string, string>>).map(
    ([key, value]) => [key, Buffer.from(value).toString('base64')] as const,
  );
  return { ...rest, data: { ...(rest['data'] as object | undefined), ...Object.fromEntries(encoded) } };
}

function on({ side, namespace }: Side, text: string): string {
  return text.replaceAll('@side@', side).replaceAll('@namespace@', namespace);
}

type Fields = { [key: string]: unknown };
interface Found extends Fields {
  readonly kind: string;
  readonly metadata: Fields & {
    readonly name: string;
    readonly managedFields?: readonly { manager: string; operation: string; subresource?: string; fieldsV1: Fields }[];
  };
}

const kinds =
  'configmaps,secrets,services,deployments,statefulsets,daemonsets,jobs,cronjobs,serviceaccounts,roles,rolebindings,' +
  'networkpolicies,ingresses,poddisruptionbudgets,horizontalpodautoscalers';

/** Everything that a side wrote, by kind and name, without what has to differ. */
async function read(side: Side): Promise<ReadonlyMap<string, Fields>> {
  const get = (what: readonly string[]) =>
    kubectl(['get', ...what, '-n', side.namespace, '-o', 'json', '--show-managed-fields']);
  const texts = await Promise.all([get([[kinds, ...definitions(side)].join(',')]), get(['crd', ...definitions(side)])]);
  // Of numbers beyond 2^53 every digit counts.
  const exact = (text: string) => text.replaceAll(/^(\s*(?:"[^"]*": )?)(-?\d{16,})(,?)$/gm, '$1"number $2"$3');
  const found = texts.flatMap((text) => (JSON.parse(exact(text)) as { items: readonly Found[] }).items);
  return new Map(
    found
      .filter(({ metadata }) => /^s\d|^things/.test(metadata.name))
      .map((object) => [
        `${object.kind} ${object.metadata.name.replace(side.side, ours.side)}`,
        comparable(object, side),
      ]),
  );
}

function comparable({ metadata, ...rest }: Found, side: Side): Fields {
  const own = metadata.managedFields?.find(
    ({ manager, operation, subresource }) => manager === side.manager && operation === 'Apply' && !subresource,
  );
  const { uid: _uid, resourceVersion: _version, creationTimestamp: _time, namespace: _namespace, ...kept } = metadata;
  const { status: _status, ...content } = rest;
  const object = { ...content, metadata: { ...kept, managedFields: undefined }, owned: own?.fieldsV1 };
  return withoutOurs(
    JSON.parse(JSON.stringify(object).replaceAll(side.namespace, '@').replaceAll(side.side, '@')),
  ) as Fields;
}

const assigned = new Set([
  'clusterIP',
  'clusterIPs',
  'nodePort',
  'healthCheckNodePort',
  // Its controller counts sooner on one side than on the other.
  'deployment.kubernetes.io/revision',
]);
const ownPrefixes = ['stormctl.dev/', 'applyset.kubernetes.io/'];

/** Without our labels and annotations (and the maps that hold nothing else), and without what the cluster gave out. */
function withoutOurs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutOurs);
  if (typeof value !== 'object' || value === null) return value;
  const isOurs = (key: string) => ownPrefixes.some((prefix) => key.replace(/^f:/, '').startsWith(prefix));
  const isGiven = (key: string, inner: unknown) =>
    (assigned.has(key) && inner !== 'None') || key.endsWith('controller-uid');
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => {
      if (isOurs(key) || isGiven(key, inner)) return [];
      const left = withoutOurs(inner);
      const canHoldOurs = !isDeepStrictEqual(left, inner) || /^(f:)?labels$/.test(key);
      return canHoldOurs && isDeepStrictEqual(left, {}) ? [] : [[key, left]];
    }),
  );
}
