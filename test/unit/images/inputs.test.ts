import assert from 'node:assert/strict';
import { chmod, mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { digestInputs } from '../../../src/images/digest-inputs.ts';
import { HashCache } from '../../../src/images/hash-cache.ts';
import { listInputs } from '../../../src/images/list-inputs.ts';
import type { Build } from '../../../src/project.ts';
import { type ContextFolder, contextFolder } from '../../support/context-folder.ts';

const { signal } = new AbortController();

async function pathsOf(folder: ContextFolder): Promise<string[]> {
  const files = await listInputs(await folder.rules(), signal);
  return files.map(({ path, kind }) => (kind === 'file' ? path : `${path} (${kind})`));
}

async function digestOf(folder: ContextFolder, build: Partial<Build> = {}, hashes = new HashCache()): Promise<string> {
  const rules = await folder.rules(build);
  return (await digestInputs(rules, await listInputs(rules, signal), hashes, signal)).digest;
}

describe('listInputs', () => {
  it('lists what the build can receive, folders before what is in them, in a fixed order', async () => {
    await using folder = await contextFolder({
      Dockerfile: 'FROM a\nCOPY src /src\nCOPY *.json /\nCOPY docs/keep.md /',
      '.dockerignore': 'src/tmp\n**/*.log',
      'src/b.ts': '',
      'src/a/x.ts': '',
      'src/a.ts': '',
      'src/x.log': '',
      'src/tmp/y': '',
      'package.json': '',
      'README.md': '',
      'docs/keep.md': '',
      'docs/other.md': '',
      'node_modules/x/package.json': '',
    });
    await mkdir(join(folder.root, 'src/empty'));
    await folder.link('src/link', 'a.ts');
    assert.deepEqual(await pathsOf(folder), [
      'docs (folder)',
      'docs/keep.md',
      'package.json',
      'src (folder)',
      'src/a (folder)',
      'src/a/x.ts',
      'src/a.ts',
      'src/b.ts',
      'src/empty (folder)',
      'src/link (link)',
    ]);
  });

  it('lists what a link on the way leads to', async () => {
    await using folder = await contextFolder({
      Dockerfile: 'FROM a\nCOPY current/app /app',
      'v2/app/x': '',
      'v1/app/x': '',
    });
    await folder.link('current', 'v2');
    assert.deepEqual(await pathsOf(folder), ['current (link)', 'v2 (folder)', 'v2/app (folder)', 'v2/app/x']);
  });

  it('lists an ignored folder only for what an exception brings back', async () => {
    await using folder = await contextFolder({
      Dockerfile: 'FROM a\nCOPY . .',
      '.dockerignore': '*\n!src/keep',
      'src/keep/a': '',
      'src/drop/b': '',
      'other/c': '',
    });
    assert.deepEqual(await pathsOf(folder), ['src (folder)', 'src/keep (folder)', 'src/keep/a']);
  });

  it('ends when it is aborted', async () => {
    await using folder = await contextFolder({ Dockerfile: 'FROM a\nCOPY . .' });
    await assert.rejects(listInputs(await folder.rules(), AbortSignal.abort()), { name: 'AbortError' });
  });
});

describe('digestInputs', () => {
  const files = {
    Dockerfile: 'FROM a AS one\nARG X\nCOPY src /src\nFROM a\nCOPY src /src',
    'src/a': 'a',
    'src/b': 'b',
    other: '',
  };

  it('is the same for the same inputs, whatever their times and whatever else there is', async () => {
    await using folder = await contextFolder(files);
    await using copy = await contextFolder({ ...files, other: 'changed', 'more/x': '' });
    await utimes(join(copy.root, 'src/a'), new Date(0), new Date(0));
    assert.equal(await digestOf(folder), await digestOf(copy));
  });

  const changes: Readonly<Record<string, (folder: ContextFolder) => Promise<void>>> = {
    'the content of a file': (folder) => folder.write('src/a', 'A'),
    'its mode': ({ root }) => chmod(join(root, 'src/a'), 0o755),
    'a new file': (folder) => folder.write('src/c', ''),
    'an empty folder': ({ root }) => mkdir(join(root, 'src/d')),
    'a file that is gone': ({ root }) => rm(join(root, 'src/b')),
    'a file that has become a link': async (folder) => {
      await rm(join(folder.root, 'src/b'));
      await folder.link('src/b', 'a');
    },
    'a comment in the Dockerfile': (folder) => folder.write('Dockerfile', `${files.Dockerfile}\n# x`),
    'the ignore file': (folder) => folder.write('.dockerignore', '# x'),
  };
  for (const [name, change] of Object.entries(changes)) {
    it(`changes with ${name}`, async () => {
      await using folder = await contextFolder(files);
      const before = await digestOf(folder);
      await change(folder);
      assert.notEqual(await digestOf(folder), before);
    });
  }

  it('changes with target, arguments and network, not with the order of arguments', async () => {
    await using folder = await contextFolder(files);
    const builds: Partial<Build>[] = [
      {},
      { target: 'one' },
      { args: { X: '1' } },
      { args: { X: '2' } },
      { network: 'host' },
    ];
    const digests = await Promise.all(builds.map((build) => digestOf(folder, build)));
    assert.equal(new Set(digests).size, builds.length);
    assert.equal(
      await digestOf(folder, { args: { A: '1', B: '2' } }),
      await digestOf(folder, { args: { B: '2', A: '1' } }),
    );
  });

  it('tells a name that ends where another begins from it', async () => {
    await using one = await contextFolder({ ...files, 'src/x': '\n["src/y",420,"file",""]' });
    await using two = await contextFolder({ ...files, 'src/x': '', 'src/y': '' });
    assert.notEqual(await digestOf(one), await digestOf(two));
  });

  it('leaves out a file that is gone since it was listed', async () => {
    await using folder = await contextFolder(files);
    const rules = await folder.rules();
    const listed = await listInputs(rules, signal);
    await rm(join(folder.root, 'src/b'));
    assert.equal((await digestInputs(rules, listed, new HashCache(), signal)).digest, await digestOf(folder));
  });
});

describe('HashCache', () => {
  const later = () => Date.now() + 60_000;

  it('reads a file once for as long as its stamp stays', async () => {
    await using folder = await contextFolder({ Dockerfile: 'FROM a\nCOPY f /', f: 'x' });
    const hashes = new HashCache(later);
    const digest = await digestOf(folder, {}, hashes);
    const [file] = await listInputs(await folder.rules(), signal);
    assert.ok(file?.kind === 'file');
    const hash = await hashes.hashOf(file.absolute, file.stamp);
    await rm(file.absolute);
    assert.equal(await hashes.hashOf(file.absolute, file.stamp), hash);
    await writeFile(file.absolute, 'y');
    assert.notEqual(await digestOf(folder, {}, hashes), digest);
  });

  it('does not trust a file that is younger than a tick of the clock', async () => {
    await using folder = await contextFolder({ Dockerfile: 'FROM a\nCOPY f /', f: 'x' });
    const hashes = new HashCache();
    const [file] = await listInputs(await folder.rules(), signal);
    assert.ok(file?.kind === 'file');
    assert.ok(await hashes.hashOf(file.absolute, file.stamp));
    await rm(file.absolute);
    assert.equal(await hashes.hashOf(file.absolute, file.stamp), undefined);
  });
});
