import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { findEngine } from '../../../src/engine/address.ts';

describe('finding the engine', () => {
  let folder = '';
  const env = (more: Record<string, string> = {}) => ({ DOCKER_CONFIG: folder, HOME: folder, ...more });

  async function addContext(name: string, docker: object, tls: Record<string, string> = {}): Promise<void> {
    const id = createHash('sha256').update(name).digest('hex');
    await mkdir(join(folder, 'contexts/meta', id), { recursive: true });
    await mkdir(join(folder, 'contexts/tls', id, 'docker'), { recursive: true });
    const meta = { Name: name, Endpoints: { docker } };
    await writeFile(join(folder, 'contexts/meta', id, 'meta.json'), JSON.stringify(meta));
    for (const [file, text] of Object.entries(tls))
      await writeFile(join(folder, 'contexts/tls', id, 'docker', file), text);
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stormctl-test-'));
    await addContext('colima', { Host: 'unix:///home/me/.colima/docker.sock' });
    await addContext(
      'far',
      { Host: 'tcp://build.example:2376', SkipTLSVerify: false },
      { 'ca.pem': 'CA', 'cert.pem': 'CERT', 'key.pem': 'KEY' },
    );
  });
  after(() => rm(folder, { recursive: true }));

  test('without anything it is the default socket', () => {
    const { endpoint, route } = findEngine(env());
    assert.equal(endpoint, 'unix:///var/run/docker.sock');
    assert.deepEqual(route, { kind: 'socket', path: '/var/run/docker.sock' });
  });

  test('DOCKER_HOST comes before DOCKER_CONTEXT', () => {
    const found = findEngine(env({ DOCKER_HOST: 'unix:///run/mine.sock', DOCKER_CONTEXT: 'colima' }));
    assert.deepEqual([found.endpoint, found.chosenBy], ['unix:///run/mine.sock', 'DOCKER_HOST']);
  });

  test('DOCKER_CONTEXT comes before the current context of the config', async () => {
    await writeFile(join(folder, 'config.json'), JSON.stringify({ currentContext: 'far' }));
    assert.equal(findEngine(env({ DOCKER_CONTEXT: 'colima' })).endpoint, 'unix:///home/me/.colima/docker.sock');
    assert.equal(findEngine(env({ DOCKER_CONTEXT: 'default' })).endpoint, 'unix:///var/run/docker.sock');
    const { route, chosenBy } = findEngine(env());
    const tls = { ca: 'CA', cert: 'CERT', key: 'KEY', verify: true };
    assert.deepEqual(route, { kind: 'tcp', host: 'build.example', port: 2376, tls });
    assert.equal(chosenBy, `the docker context "far" (${join(folder, 'config.json')})`);
    await rm(join(folder, 'config.json'));
  });

  test('DOCKER_TLS_VERIFY brings the certificates of DOCKER_CERT_PATH', async () => {
    const certs = join(folder, 'certs');
    await mkdir(certs);
    await writeFile(join(certs, 'ca.pem'), 'MINE');
    const given = env({ DOCKER_HOST: 'tcp://build.example', DOCKER_CERT_PATH: certs });
    assert.deepEqual(findEngine(given).route, { kind: 'tcp', host: 'build.example', port: 2375, tls: undefined });
    const tls = { ca: 'MINE', cert: undefined, key: undefined, verify: true };
    const verified = findEngine({ ...given, DOCKER_TLS_VERIFY: '1' });
    assert.deepEqual(verified.route, { kind: 'tcp', host: 'build.example', port: 2376, tls });
  });

  test('a host without a scheme is tcp, and an IPv6 address loses its brackets', () => {
    assert.equal(findEngine(env({ DOCKER_HOST: 'localhost:1234' })).endpoint, 'tcp://localhost:1234');
    const { route } = findEngine(env({ DOCKER_HOST: 'tcp://[::1]:1234' }));
    assert.deepEqual(route, { kind: 'tcp', host: '::1', port: 1234, tls: undefined });
  });

  test('a context that does not exist is refused with who named it', () => {
    assert.throws(() => findEngine(env({ DOCKER_CONTEXT: 'nowhere' })), {
      kind: 'unreachable',
      message: 'there is no docker context "nowhere", which DOCKER_CONTEXT names',
    });
  });

  test('ssh is refused with a way round', () => {
    assert.throws(() => findEngine(env({ DOCKER_HOST: 'ssh://me@far' })), {
      kind: 'unreachable',
      message: "stormctl can't use the Docker engine at ssh://me@far (DOCKER_HOST)",
      next: /ssh -L/,
    });
  });

  test('a broken config is told with its file', async () => {
    await writeFile(join(folder, 'config.json'), '{');
    assert.throws(() => findEngine(env()), { kind: 'usage', where: join(folder, 'config.json') });
    await rm(join(folder, 'config.json'));
  });
});
