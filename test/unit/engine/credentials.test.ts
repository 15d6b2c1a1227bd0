import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { findCredentials } from '../../../src/engine/credentials.ts';

describe('credentials of a registry', () => {
  let folder = '';
  let env: Record<string, string> = {};
  const write = (config: object) => writeFile(join(folder, 'config.json'), JSON.stringify(config));
  const helper = (name: string, script: string) =>
    writeFile(join(folder, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`, { mode: 0o755 });

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stormctl-test-'));
    env = { DOCKER_CONFIG: folder, PATH: `${folder}:${process.env['PATH']}` };
    await helper('keys', `read -r host; echo "{\\"Username\\":\\"$host\\",\\"Secret\\":\\"from-keys\\"}"`);
    await helper('token', `echo '{"Username":"<token>","Secret":"a-token"}'`);
    await helper('empty', `echo 'credentials not found in native keychain'; exit 1`);
    await helper('broken', `echo 'the keychain is locked' >&2; exit 1`);
  });
  beforeEach(() => write({}));
  after(() => rm(folder, { recursive: true }));

  const auth = Buffer.from('me:pass:word').toString('base64');

  test('none are known for a host that is not in the config', async () => {
    await write({ auths: { 'registry.example': { auth } } });
    assert.equal(await findCredentials(env, 'other.example'), undefined);
    assert.equal(await findCredentials(env, 'localhost:5000'), undefined);
  });

  test('the config file holds user and password, under a host or an old URL', async () => {
    await write({ auths: { 'registry.example': { auth }, 'https://old.example/v1/': { auth } } });
    const wanted = { username: 'me', password: 'pass:word', identityToken: undefined };
    assert.deepEqual(await findCredentials(env, 'registry.example'), wanted);
    assert.deepEqual(await findCredentials(env, 'old.example'), wanted);
  });

  test('Docker Hub is known by its index', async () => {
    await write({ auths: { 'https://index.docker.io/v1/': { auth } } });
    for (const host of ['docker.io', 'registry-1.docker.io'])
      assert.equal((await findCredentials(env, host))?.username, 'me');
  });

  test('a helper of one registry comes before the store of all', async () => {
    await write({ credHelpers: { 'a.example': 'token' }, credsStore: 'keys' });
    assert.deepEqual(await findCredentials(env, 'a.example'), { username: '', password: '', identityToken: 'a-token' });
    const fromStore = { username: 'b.example', password: 'from-keys', identityToken: undefined };
    assert.deepEqual(await findCredentials(env, 'b.example'), fromStore);
  });

  test('a store without an entry leaves the config file', async () => {
    await write({ credsStore: 'empty', auths: { 'registry.example': { auth } } });
    assert.equal((await findCredentials(env, 'registry.example'))?.username, 'me');
    assert.equal(await findCredentials(env, 'other.example'), undefined);
  });

  test('a helper that fails or is missing is an error with its words', async () => {
    await write({ credsStore: 'broken' });
    await assert.rejects(findCredentials(env, 'a.example'), /docker-credential-broken failed: the keychain is locked/);
    await write({ credsStore: 'missing' });
    await assert.rejects(findCredentials(env, 'a.example'), /docker-credential-missing/);
  });

  test('nothing of what can not be parsed is quoted', async () => {
    await helper('chatty', `echo 'hunter2 {"Secret":"hunter2"}'`);
    await write({ credsStore: 'chatty' });
    const silent = ({ message, detail }: Error & { detail?: string }) => !`${message} ${detail}`.includes('hunter2');
    await assert.rejects(findCredentials(env, 'a.example'), silent);
    await writeFile(join(folder, 'config.json'), '{"auths":{"a.example":{"auth":hunter2}}}');
    await assert.rejects(findCredentials(env, 'a.example'), silent);
  });
});
