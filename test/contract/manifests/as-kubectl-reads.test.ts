import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { stringifyJson } from '../../../src/lib/json.ts';
import { parseManifestYaml } from '../../../src/lib/yaml.ts';
import { renderYaml } from '../../../src/manifests/render-yaml.ts';
import { render } from '../../../src/manifests/render.ts';
import type { KubeObject } from '../../../src/objects.ts';
import { kubectl, lab } from '../../support/lab.ts';
import { generatedDocuments } from './generated-documents.ts';

const documents = 40;

describe('manifests are read, and written again, as kubectl reads them', { skip: lab.skip }, () => {
  let root: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'stormctl-'));
  });
  after(() => rm(root, { recursive: true }));

  /** @returns what kubectl would send, one canonical JSON a document. */
  const asKubectl = async (file: string) => {
    const printed = await kubectl(['create', '--dry-run=client', '--validate=false', '-o', 'json', '-f', file]);
    // One JSON document after the other.
    return parseManifestYaml(printed.replaceAll(/^\}\n\{$/gm, '}\n---\n{'), file).map(({ value }) =>
      canonical(value as KubeObject),
    );
  };

  for (let seed = 1; seed <= 4; seed++)
    test(`generated documents, seed ${seed}`, async () => {
      const file = join(root, `${seed}.yaml`);
      await writeFile(file, generatedDocuments(seed, documents));
      const theirs = await asKubectl(file);
      assert.equal(theirs.length, documents);
      const step = {
        kind: 'manifests',
        globs: [`${seed}.yaml`],
        wait: false,
        at: { file, line: 1, column: 1 },
      } as const;
      const signal = new AbortController().signal;
      const [rendered] = await render([step], { root, namespace: 'default', signal, env: process.env });
      const objects = rendered?.objects.map(({ object }) => object) ?? [];
      assert.deepEqual(objects.map(canonical), theirs);

      const again = join(root, `${seed}-again.yaml`);
      await writeFile(again, renderYaml(objects));
      assert.deepEqual(await asKubectl(again), theirs);
    });
});

/** The namespace is kubectl's own addition. */
function canonical(object: KubeObject): string {
  const { metadata } = object;
  return stringifyJson(sorted({ ...object, metadata: { ...metadata, namespace: '' } }));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}
