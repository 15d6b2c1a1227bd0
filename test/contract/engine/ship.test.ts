import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connectEngine } from '../../../src/engine/connect-engine.ts';
import { Failure, isAbort } from '../../../src/errors.ts';
import { run } from '../../../src/lib/process.ts';
import { lab } from '../../support/lab.ts';
import { contextOf } from './context-of.ts';

const never = new AbortController().signal;
const image = 'localhost:5000/stormctl-test-ship:1';

describe('shipping with a real engine and registry', { skip: lab.skip }, () => {
  const engine = connectEngine(process.env);
  const made = [image];

  before(async () => {
    const context = contextOf({ Dockerfile: 'FROM alpine:latest\nCOPY mark /mark\n', mark: randomUUID() });
    await engine.build({ context, dockerfile: 'Dockerfile', tags: [image] }, never);
  });
  after(async () => {
    await engine[Symbol.asyncDispose]();
    await run('docker', ['image', 'rm', '--force', ...made]);
  });

  test('a push gives the digest that the registry knows the image by', async () => {
    const { digest } = await engine.push(image, never);
    const answer = await fetch(`http://localhost:5000/v2/stormctl-test-ship/manifests/${digest}`, {
      headers: {
        accept: 'application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json',
      },
    });
    assert.equal(answer.status, 200);
    assert.deepEqual(await engine.push(image, never), { digest });
    assert.ok((await engine.inspectImage(image))?.repoDigests.some((one) => one.endsWith(digest)));
  });

  test('what was pushed can be pulled again', async () => {
    await run('docker', ['image', 'rm', '--force', image]);
    assert.equal(await engine.inspectImage(image), undefined);
    await engine.pull(image, never);
    assert.ok(await engine.inspectImage(image));
  });

  test('a push to a registry that nobody runs fails with kind ship', async () => {
    const closed = await closedPort();
    const elsewhere = `localhost:${closed}/stormctl-test-ship:1`;
    made.push(elsewhere);
    await engine.tag(image, elsewhere);
    await assert.rejects(engine.push(elsewhere, never), (error) => {
      assert.ok(error instanceof Failure);
      assert.equal(error.kind, 'ship');
      assert.equal(error.where, `localhost:${closed}`);
      assert.match(error.message, /refused/);
      return true;
    });
  });

  test('a push of an image that is not there fails with kind ship', async () => {
    await assert.rejects(engine.push('localhost:5000/stormctl-test-nowhere:1', never), {
      kind: 'ship',
      message: /stormctl-test-nowhere/,
    });
  });

  test("a pull of an image that is nowhere fails with the registry's words", async () => {
    await assert.rejects(engine.pull('localhost:5000/stormctl-test-nowhere:1', never), {
      kind: 'refused',
      message: /not found|unknown/,
    });
  });

  test('saving streams a tar of the image, and an abort cuts it', async () => {
    const bytes: Buffer[] = [];
    for await (const chunk of await engine.save([image], never)) bytes.push(chunk as Buffer);
    assert.match(Buffer.concat(bytes).toString('latin1'), /manifest\.json/);
    const controller = new AbortController();
    const cut = await engine.save(['alpine:latest'], controller.signal);
    await assert.rejects(
      async () => {
        for await (const _chunk of cut) controller.abort();
      },
      (error) => isAbort(error),
    );
  });
});

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}
