import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { SessionLog } from '../../../src/history/session-log.ts';
import { until } from '../../support/until.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'stormctl-session-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function session(texts: readonly string[], fullBytes?: number): Promise<void> {
  const onProblem = (error: unknown) => assert.fail(String(error));
  await using log = new SessionLog({ folder: join(root, '.stormctl'), onProblem, ...(fullBytes && { fullBytes }) });
  for (const text of texts) log.take({ type: 'note', text }, new Date(0));
}

const file = (name: string) => readFile(join(root, '.stormctl', name), 'utf8');

test('the reports of the last session are kept, and those of the one before are not', async () => {
  await session(['one', 'two']);
  await session(['three']);
  assert.equal(await file('last-session.jsonl'), '{"time":"1970-01-01T00:00:00.000Z","type":"note","text":"three"}\n');
});

test('of a long session the newest are kept', async () => {
  const folder = join(root, '.stormctl');
  await using log = new SessionLog({ folder, onProblem: (error) => assert.fail(String(error)), fullBytes: 1_000_000 });
  for (let n = 0; n < 4; n++) {
    log.take({ type: 'note', text: `${n}${'x'.repeat(600_000)}` }, new Date(0));
    const isWritten = async () => (await file('last-session.jsonl').catch(() => '')).includes(`"${n}x`);
    await until(isWritten);
  }
  assert.deepEqual((await readdir(folder)).sort(), ['.gitignore', 'last-session.1.jsonl', 'last-session.jsonl']);
  assert.match(await file('last-session.1.jsonl'), /"0x+"}\n.*"1x+"}\n$/);
  assert.match(await file('last-session.jsonl'), /"2x+"}\n.*"3x+"}\n$/);
});
