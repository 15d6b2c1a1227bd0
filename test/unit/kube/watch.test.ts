import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WatchEvent } from '../../../src/kube/kube.ts';
import type { HttpKube } from '../../../src/kube/http-kube.ts';
import { type Answer, FakeApiServer } from '../../support/fake-api-server.ts';
import { wait } from '../../../src/lib/wait.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { connectFake, connectSleepy } from './connect-fake.ts';

const path = '/api/v1/namespaces/storm/pods';

function pod(name: string, resourceVersion: number) {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, resourceVersion: String(resourceVersion) } };
}

function line(type: string, object: unknown): string {
  return `${JSON.stringify({ type, object })}\n`;
}

/** Answers lists and watches, each with the next of its own answers. */
function serve(server: FakeApiServer, answers: { lists: Answer[]; watches: Answer[] }): void {
  server.on('GET', path, (exchange) => {
    const queue = exchange.received.query.get('watch') ? answers.watches : answers.lists;
    const answer = queue.length > 1 ? queue.shift() : queue[0];
    return answer?.(exchange);
  });
}

function list(resourceVersion: number, ...names: readonly string[]): Answer {
  const items = names.map((name) => ({ metadata: { name, resourceVersion: '1' } }));
  return (exchange) =>
    exchange.json({ kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: `${resourceVersion}` }, items });
}

const quiet: Answer = (exchange) => exchange.write('');

/** Reads events until `count` have come, as short words. */
async function read(kube: HttpKube, count: number): Promise<readonly string[]> {
  const abort = new AbortController();
  const words: string[] = [];
  for await (const event of kube.watch({ path }, abort.signal)) {
    words.push(wordFor(event));
    if (words.length === count) break;
  }
  return words;
}

function wordFor(event: WatchEvent): string {
  switch (event.type) {
    case 'list':
      return `list ${event.objects.map(({ metadata }) => metadata.name).join(' ')}`.trim();
    case 'lost':
      return 'lost';
    default:
      return `${event.type} ${event.object.metadata.name}`;
  }
}

function versions(server: FakeApiServer): readonly (string | null)[] {
  return server.requests.map(({ query }) => (query.get('watch') ? query.get('resourceVersion') : 'list'));
}

test('a list, whose items are completed, and then every change from its version on', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  serve(server, {
    lists: [list(10, 'a')],
    watches: [
      async (exchange) => {
        const text = line('ADDED', pod('b', 11)) + line('MODIFIED', pod('a', 12)) + line('DELETED', pod('b', 13));
        // Wherever the chunks break, inside a character too.
        const bytes = Buffer.from(text.replace('"b"', '"é"'));
        for (let i = 0; i < bytes.length; i += 7) await exchange.write(bytes.subarray(i, i + 7));
      },
    ],
  });
  const events: WatchEvent[] = [];
  for await (const event of kube.watch({ path, labelSelector: 'x=y' }, new AbortController().signal)) {
    events.push(event);
    if (events.length === 4) break;
  }
  assert.deepEqual(events.map(wordFor), ['list a', 'set é', 'set a', 'gone b']);
  assert.ok(events[0]?.type === 'list');
  assert.deepEqual(events[0].objects[0], {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', resourceVersion: '1' },
  });
  const asked = server.requests[1]?.query;
  assert.equal(asked?.get('resourceVersion'), '10');
  assert.equal(asked?.get('allowWatchBookmarks'), 'true');
  assert.equal(asked?.get('labelSelector'), 'x=y');
  assert.ok(Number(asked?.get('timeoutSeconds')) >= 300);
});

test('of objects that nothing but the metadata is wanted of, the list and the stream are asked for that', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  serve(server, { lists: [list(10, 'a')], watches: [async (exchange) => exchange.write(line('ADDED', pod('b', 11)))] });
  const events: WatchEvent[] = [];
  for await (const event of kube.watch({ path, metadataOnly: true }, new AbortController().signal)) {
    events.push(event);
    if (events.length === 2) break;
  }
  assert.deepEqual(
    server.requests.slice(0, 2).map(({ headers }) => headers.accept),
    ['PartialObjectMetadataList', 'PartialObjectMetadata'].map((as) => `application/json;as=${as};g=meta.k8s.io;v=v1`),
  );
});

test('a stream that the server ends goes on from the last version, bookmarks counted, and nobody hears of it', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  serve(server, {
    lists: [list(10)],
    watches: [
      async (exchange) => {
        await exchange.write(line('ADDED', pod('a', 11)) + line('BOOKMARK', pod('', 40)));
        exchange.end();
      },
      (exchange) => exchange.write(line('ADDED', pod('b', 41))),
    ],
  });
  assert.deepEqual(await read(kube, 3), ['list', 'set a', 'set b']);
  assert.deepEqual(versions(server), ['list', '10', '40']);
});

test('a cut is told once, and mended with a fresh list', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  serve(server, {
    lists: [list(10, 'a'), (exchange) => exchange.cut(), (exchange) => exchange.status(500, 'No', 'no'), list(20, 'b')],
    watches: [
      async (exchange) => {
        await exchange.write(`${line('ADDED', pod('c', 11))}{"type":"ADD`);
        await exchange.cut();
      },
      quiet,
    ],
  });
  assert.deepEqual(await read(kube, 4), ['list a', 'set c', 'lost', 'list b']);
});

test('a stream that a busy server does not open is no cut: the list waits for it', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  const busy: Answer = (exchange) => exchange.status(429, 'TooManyRequests', 'later');
  const lists = [list(10, 'a'), busy, list(20, 'a', 'b')];
  serve(server, { lists, watches: [busy, (exchange) => exchange.write(line('ADDED', pod('c', 21)))] });
  assert.deepEqual(await read(kube, 3), ['list a', 'list a b', 'set c']);
});

test('a stream that ends inside a line is a cut', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  const broken: Answer = async (exchange) => {
    await exchange.write('{"type":"ADD');
    exchange.end();
  };
  serve(server, { lists: [list(10), list(20)], watches: [broken, quiet] });
  assert.deepEqual(await read(kube, 3), ['list', 'lost', 'list']);
});

test('a version that is too old is mended with a fresh list, as an answer and as an event', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  serve(server, {
    lists: [list(10), list(20), list(30)],
    watches: [
      (exchange) => exchange.status(410, 'Expired', 'too old'),
      (exchange) => exchange.write(line('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' })),
      (exchange) => exchange.write(line('ADDED', pod('a', 31))),
    ],
  });
  assert.deepEqual(await read(kube, 4), ['list', 'list', 'list', 'set a']);
  assert.deepEqual(versions(server), ['list', '10', 'list', '20', 'list', '30']);
});

test('a stream that is silent is opened anew without a word', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port, 'quick');
  serve(server, { lists: [list(10)], watches: [quiet, (exchange) => exchange.write(line('ADDED', pod('a', 11)))] });
  assert.deepEqual(await read(kube, 2), ['list', 'set a']);
  assert.deepEqual(versions(server), ['list', '10', '10']);
});

test('a network that lets nothing through is lost, and found again', async () => {
  await using server = await FakeApiServer.listen();
  await using proxy = await TcpProxy.listen({ to: server.port });
  await using kube = connectFake(proxy.port, 'quick');
  serve(server, {
    lists: [list(10, 'a')],
    watches: [
      async (exchange) => {
        await exchange.write(line('ADDED', pod('b', 11)));
      },
      quiet,
    ],
  });
  const words: string[] = [];
  for await (const event of kube.watch({ path }, new AbortController().signal)) {
    words.push(wordFor(event));
    if (event.type === 'set') proxy.stall();
    if (event.type === 'lost') proxy.resume();
    if (words.length === 4) break;
  }
  assert.deepEqual(words, ['list a', 'set b', 'lost', 'list a']);
});

test('what asking again cannot mend ends the watch', async () => {
  for (const code of [403, 404]) {
    await using server = await FakeApiServer.listen();
    await using kube = connectFake(server.port);
    serve(server, { lists: [(exchange) => exchange.status(code, 'No', 'you may not')], watches: [] });
    await assert.rejects(read(kube, 1), { name: 'ApiError', status: code });
  }
});

test('credentials that are refused are told once, and the watch goes on when they are accepted', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  const refuse: Answer = (exchange) => exchange.status(401, 'Unauthorized', 'Unauthorized');
  serve(server, {
    lists: [list(10, 'a'), refuse, refuse, refuse, refuse, list(20, 'b')],
    watches: [refuse, refuse, quiet],
  });
  const causes: string[] = [];
  const words: string[] = [];
  for await (const event of kube.watch({ path }, new AbortController().signal)) {
    words.push(wordFor(event));
    if (event.type === 'lost') causes.push(event.cause.message);
    if (words.length === 3) break;
  }
  assert.deepEqual(words, ['list a', 'lost', 'list b']);
  assert.deepEqual(causes, ['your credentials for context fake are no longer accepted']);
});

test('a cluster that is away and then refuses the credentials is lost twice', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  const refuse: Answer = (exchange) => exchange.status(401, 'Unauthorized', 'Unauthorized');
  const cut: Answer = (exchange) => exchange.cut();
  serve(server, {
    lists: [list(10, 'a'), cut, refuse, refuse, cut, refuse, refuse, list(20, 'b')],
    watches: [cut, quiet],
  });
  assert.deepEqual(await read(kube, 4), ['list a', 'lost', 'lost', 'list b']);
});

test('a cluster that is away at the start is waited for', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  serve(server, { lists: [(exchange) => exchange.cut(), list(10, 'a')], watches: [quiet] });
  assert.deepEqual(await read(kube, 2), ['lost', 'list a']);
});

test('leaving the loop, or an abort, ends the stream', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  let left = Promise.resolve();
  serve(server, {
    lists: [list(10)],
    watches: [
      async (exchange) => {
        left = exchange.left();
        await exchange.write(line('ADDED', pod('a', 11)));
      },
    ],
  });
  assert.deepEqual(await read(kube, 2), ['list', 'set a']);
  await left;
  const abort = new AbortController();
  await assert.rejects(
    async () => {
      for await (const event of kube.watch({ path }, abort.signal)) if (event.type === 'set') abort.abort();
    },
    { name: 'AbortError' },
  );
  await left;
});

test('a server that ends every stream at once is not asked all the time', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  serve(server, { lists: [list(10)], watches: [(exchange) => exchange.end()] });
  const abort = new AbortController();
  // How often in a time is what this is about.
  const timer = setTimeout(() => abort.abort(), 500);
  await assert.rejects(
    async () => {
      for await (const event of kube.watch({ path }, abort.signal)) assert.equal(event.type, 'list');
    },
    { name: 'AbortError' },
  );
  clearTimeout(timer);
  assert.ok(server.requests.length <= 6, `${server.requests.length} requests in half a second`);
});

test('a server whose lists take long, and that opens no stream, is not asked all the time', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  const slowly = list(10);
  const lists: Answer[] = [
    async (exchange) => {
      await wait(250, undefined);
      await slowly(exchange);
    },
  ];
  serve(server, { lists, watches: [(exchange) => exchange.status(503, 'ServiceUnavailable', 'no time')] });
  const abort = new AbortController();
  // How often in a time is what this is about.
  const timer = setTimeout(() => abort.abort(), 4000);
  await assert.rejects(
    async () => {
      for await (const _ of kube.watch({ path }, abort.signal));
    },
    { name: 'AbortError' },
  );
  clearTimeout(timer);
  const asked = versions(server).filter((version) => version === 'list').length;
  assert.ok(asked <= 7, `${asked} lists in four seconds`);
});

test('after a sleep the collection is listed again, and nothing is called lost', async () => {
  await using server = await FakeApiServer.listen();
  const { kube, sleep } = connectSleepy(server.port);
  await using _ = kube;
  serve(server, { lists: [list(1, 'a'), list(2, 'a', 'b')], watches: [quiet] });
  const abort = new AbortController();
  const types: string[] = [];
  for await (const event of kube.watch({ path }, abort.signal)) {
    types.push(event.type);
    if (types.length === 2) break;
    void until(server, 2).then(sleep);
  }
  assert.deepEqual(types, ['list', 'list']);
});

async function until(server: FakeApiServer, requests: number): Promise<void> {
  while (server.requests.length < requests) await new Promise(setImmediate);
}
