import assert from 'node:assert/strict';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Cli } from '../support/cli.ts';
import { kubectl, lab } from '../support/lab.ts';
import { eventually } from '../support/outside.ts';

const name = 't-written';

describe('a file that is written while a build reads it', { skip: lab.skip }, () => {
  let folder = '';
  const write = (path: string, content: string | Buffer) => writeFile(join(folder, path), content);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stormctl-written-'));
    // What stands before the file in the context takes a while to send.
    await write('a-large', Buffer.alloc(200_000_000, 'x'));
    await write('config.json', '{}');
    await write('version', '1');
    await write('Dockerfile', dockerfile);
    await write('k8s.yaml', manifest);
    await write('stormctl.yaml', config);
    await kubectl(['delete', 'namespace', name, '--ignore-not-found', '--timeout=120s']);
  });
  after(async () => {
    await kubectl(['delete', 'namespace', name, '--ignore-not-found', '--wait=false']);
    await rm(folder, { recursive: true, force: true });
  });

  test('is whole in the image, though it has the bytes that it had before', { timeout: 300_000 }, async () => {
    await using dev = new Cli(['dev', '-o', 'json'], { cwd: folder });
    await dev.report('session.ready', () => true, { timeoutMs: 120_000 });
    const first = dev.reportsOf('build.started').length;
    const built = dev.reportsOf('build.done').length;
    await write('version', '2');
    await dev.until('a second build', (cli) => cli.reportsOf('build.started').length > first);
    // As a formatter does, again and again: empty for a moment, and then what it was.
    const isUnderWay = () =>
      dev.reportsOf('build.done').length === built && dev.reportsOf('build.started').length === first + 1;
    while (isUnderWay()) {
      await using file = await open(join(folder, 'config.json'), 'w');
      await delay(30);
      await file.write('{}');
    }
    await eventually(
      'the files of the container',
      () => kubectl(['exec', '-n', name, 'deploy/one', '--', 'cat', '/app/version', '/app/config.json']).catch(String),
      (text) => text === '2{}',
      60_000,
    );
    dev.kill('SIGINT');
    assert.equal((await dev.ended).code, 130, dev.stderr);
  });
});

const dockerfile = `FROM alpine
COPY config.json version /app/
RUN --mount=type=bind,target=/context wc -c < /context/a-large
CMD ["sleep", "1000000"]
`;

const config = `apiVersion: stormctl.dev/v1
name: ${name}
cluster: { namespace: ${name} }
services:
  one: { build: ., image: ${name}-one }
deploy:
  - manifests: [k8s.yaml]
`;

const manifest = `apiVersion: apps/v1
kind: Deployment
metadata: { name: one }
spec:
  selector: { matchLabels: { app: one } }
  template:
    metadata: { labels: { app: one } }
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - { name: main, image: ${name}-one, resources: { requests: { cpu: 5m, memory: 16Mi } } }
`;
