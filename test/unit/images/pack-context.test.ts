import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFile, chmod, rm, truncate, utimes } from 'node:fs/promises';
import { once } from 'node:events';
import { join, relative } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { extract, type Header } from 'tar-stream';
import { Failure } from '../../../src/errors.ts';
import { digestInputs } from '../../../src/images/digest-inputs.ts';
import { HashCache } from '../../../src/images/hash-cache.ts';
import { listInputs } from '../../../src/images/list-inputs.ts';
import { type PackedContext, packContext } from '../../../src/images/pack-context.ts';
import { type ContextFolder, contextFolder } from '../../support/context-folder.ts';

const { signal } = new AbortController();
const mebibyte = 1024 * 1024;

interface Entry {
  readonly header: Header;
  readonly content: Buffer;
}

async function unpack({ stream }: PackedContext): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  const unpacking = extract();
  stream.on('error', (error) => unpacking.destroy(error));
  stream.pipe(unpacking);
  for await (const entry of unpacking) {
    const content = await buffer(entry);
    entries.set(entry.header.name, { header: entry.header, content });
  }
  return entries;
}

async function list(folder: ContextFolder) {
  const rules = await folder.rules();
  return { rules, files: await listInputs(rules, signal) };
}

function textsOf(entries: Map<string, Entry>): Record<string, string> {
  return Object.fromEntries([...entries].map(([name, { content }]) => [name, content.toString()]));
}

describe('packContext', () => {
  it('packs what the build can receive and the Dockerfile, owned by root, with real modes and times', async () => {
    const long = `${'deep/'.repeat(40)}é.txt`;
    await using folder = await contextFolder({
      Dockerfile: 'FROM a\nCOPY src /src',
      'src/a': 'A',
      [`src/${long}`]: 'L',
      no: '',
    });
    await folder.link('src/link', 'a');
    await folder.write('src/run.sh', '#!', 0o700);
    await chmod(join(folder.root, 'src'), 0o750);
    await utimes(join(folder.root, 'src/a'), 1_000_000_000, 1_000_000_000);
    const { rules, files } = await list(folder);
    const entries = await unpack(packContext(rules, files));

    assert.equal(textsOf(entries)['src/a'], 'A');
    assert.equal(textsOf(entries)['Dockerfile'], 'FROM a\nCOPY src /src');
    assert.equal(textsOf(entries)[`src/${long}`], 'L');
    assert.equal(entries.has('no'), false);
    assert.deepEqual(
      [entries.get('src/link')?.header.type, entries.get('src/link')?.header.linkname],
      ['symlink', 'a'],
    );
    assert.equal(entries.get('src/run.sh')?.header.mode, 0o700);
    assert.deepEqual([entries.get('src')?.header.type, entries.get('src')?.header.mode], ['directory', 0o750]);
    assert.equal(entries.get('src/a')?.header.mtime?.getTime(), 1_000_000_000_000);
    for (const { header } of entries.values()) assert.deepEqual([header.uid, header.gid], [0, 0]);
  });

  it('packs the Dockerfile as it was read, once, also where it is copied', async () => {
    await using folder = await contextFolder({ Dockerfile: 'FROM a\nCOPY . .' });
    const { rules, files } = await list(folder);
    await folder.write('Dockerfile', 'FROM b');
    const entries = await unpack(packContext(rules, files));
    assert.deepEqual(textsOf(entries), { Dockerfile: 'FROM a\nCOPY . .' });
  });

  it('packs a Dockerfile that lies outside under its reserved name', async () => {
    await using folder = await contextFolder({ Dockerfile: 'FROM a\nCOPY x /', 'app/x': 'x' });
    const rules = await folder.rules({ context: join(folder.root, 'app') });
    const entries = await unpack(packContext(rules, await listInputs(rules, signal)));
    assert.deepEqual(textsOf(entries), { '.stormctl.Dockerfile': 'FROM a\nCOPY x /', x: 'x' });
  });

  it('gives the digest of the listing when nothing changed', async () => {
    await using folder = await contextFolder({ Dockerfile: 'FROM a\nCOPY . .', a: 'A', 'b/c': 'C' });
    await folder.write('large', Buffer.alloc(3 * mebibyte, 'x'));
    await folder.link('l', 'a');
    const { rules, files } = await list(folder);
    const packed = packContext(rules, files);
    assert.equal(packed.inputs(), undefined);
    await unpack(packed);
    assert.deepEqual(packed.inputs(), await digestInputs(rules, files, new HashCache(), signal));
  });

  it('leaves out a file that is gone and sends a changed one as it is, and its digest says so', async () => {
    await using folder = await contextFolder({ Dockerfile: 'FROM a\nCOPY . .', gone: 'G', grown: 'x', shrunk: 'xxxx' });
    const { rules, files } = await list(folder);
    await rm(join(folder.root, 'gone'));
    await folder.write('grown', 'longer than before');
    await folder.write('shrunk', '');
    const packed = packContext(rules, files);
    const { Dockerfile: _, ...texts } = textsOf(await unpack(packed));
    assert.deepEqual(texts, { grown: 'longer than before', shrunk: '' });
    const now = await list(folder);
    assert.deepEqual(packed.inputs(), await digestInputs(now.rules, now.files, new HashCache(), signal));
  });

  it('says of each file which bytes it read, also of one that is gone', async () => {
    await using folder = await contextFolder({ Dockerfile: 'FROM a\nCOPY . .', a: '', gone: 'G' });
    await folder.write('large', Buffer.alloc(2 * mebibyte, 'x'));
    const { rules, files } = await list(folder);
    await rm(join(folder.root, 'gone'));
    const read = new Map<string, string | undefined>();
    await unpack(packContext(rules, files, (path, sha256) => read.set(relative(folder.root, path), sha256)));
    const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');
    assert.deepEqual(Object.fromEntries(read), {
      a: sha256(''),
      gone: undefined,
      large: sha256(Buffer.alloc(2 * mebibyte, 'x')),
    });
  });

  it('cuts a large file that grows while it is sent', async () => {
    await using folder = await contextFolder({ Dockerfile: 'FROM a\nCOPY . .', z: 'last' });
    await folder.write('large', Buffer.alloc(8 * mebibyte, 'x'));
    const { rules, files } = await list(folder);
    const packed = packContext(rules, files);
    await untilInLarge(packed);
    await appendFile(join(folder.root, 'large'), 'more');
    const entries = await unpack(packed);
    assert.equal(entries.get('large')?.content.length, 8 * mebibyte);
    assert.equal(entries.get('z')?.content.toString(), 'last');
  });

  it('ends with a failure when a large file shrinks while it is sent', { timeout: 120_000 }, async () => {
    await using folder = await contextFolder({ Dockerfile: 'FROM a\nCOPY . .' });
    await folder.write('large', Buffer.alloc(8 * mebibyte, 'x'));
    const { rules, files } = await list(folder);
    const packed = packContext(rules, files);
    await untilInLarge(packed);
    await truncate(join(folder.root, 'large'), 10);
    await assert.rejects(buffer(packed.stream), (error) => error instanceof Failure && /shrank/.test(error.message));
    await packed.ended;
    assert.equal(packed.inputs(), undefined);
  });

  it('reads no file any more once its stream is destroyed', { timeout: 120_000 }, async () => {
    await using folder = await contextFolder({ Dockerfile: 'FROM a\nCOPY . .' });
    await folder.write('large', Buffer.alloc(8 * mebibyte, 'x'));
    const { rules, files } = await list(folder);
    const early = packContext(rules, files);
    early.stream.destroy();
    await early.ended;
    const late = packContext(rules, files);
    await untilInLarge(late);
    late.stream.destroy();
    await late.ended;
    assert.deepEqual([early.inputs(), late.inputs()], [undefined, undefined]);
  });
});

/** Packing is in the middle of a large file, and waits for a reader. */
async function untilInLarge({ stream }: PackedContext): Promise<void> {
  const read: Buffer[] = [];
  // More than all that stands before the file's own bytes.
  while (Buffer.concat(read).length < 64 * 1024) {
    const chunk = stream.read() as Buffer | null;
    if (chunk) read.push(chunk);
    else await once(stream, 'readable');
  }
  stream.unshift(Buffer.concat(read));
}
