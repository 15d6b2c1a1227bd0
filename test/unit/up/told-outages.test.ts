import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Report } from '../../../src/events.ts';
import { Mask } from '../../../src/lib/mask.ts';
import { everyLine } from '../../../src/logs/log-choice.ts';
import { tailPods } from '../../../src/up/tail-pods.ts';
import { type Exchange, FakeApiServer } from '../../support/fake-api-server.ts';
import { connectFake } from '../kube/connect-fake.ts';

const pods = '/api/v1/namespaces/default/pods';
const log = (name: string) => `${pods}/${name}/log`;

function pod(name: string) {
  return {
    metadata: { name, namespace: 'default', uid: name, resourceVersion: name },
    spec: { containers: [{ name: 'main', image: 'x' }] },
    status: {
      phase: 'Running',
      containerStatuses: [{ name: 'main', containerID: `c-${name}`, state: { running: {} } }],
    },
  };
}

test('a login that expires while logs are followed is told once, and they go on when it is renewed', async () => {
  await using server = await FakeApiServer.listen();
  let isRefused = false;
  const items = [pod('a')];
  const ask = (answer: (exchange: Exchange) => unknown) => (exchange: Exchange) =>
    isRefused ? exchange.status(401, 'Unauthorized', 'Unauthorized') : answer(exchange);
  server.on(
    'GET',
    pods,
    ask((exchange) => {
      if (exchange.received.query.get('watch')) return exchange.write('');
      return exchange.json({ kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '1' }, items });
    }),
  );
  for (const name of ['a', 'b'])
    server.on(
      'GET',
      log(name),
      ask(async (exchange) => {
        if (!exchange.received.query.has('sinceTime'))
          await exchange.write(`2026-01-01T00:00:00.000000000Z hello of ${name}\n`);
      }),
    );
  await using kube = connectFake(server.port);
  const abort = new AbortController();
  const told: Report[] = [];
  const report = (each: Report) => {
    told.push(each);
    if (each.type === 'log' && each.pod === 'b') abort.abort();
    else if (each.type === 'log') {
      isRefused = true;
      server.dropConnections();
    } else if (each.type === 'session.lost') {
      items.push(pod('b'));
      isRefused = false;
    }
  };
  await tailPods(
    { namespaces: undefined, selector: '', words: [], masks: true },
    {
      kube,
      choice: everyLine,
      mask: new Mask(),
      rendered: undefined,
      report,
      remark: report,
      drained: () => undefined,
      signal: abort.signal,
    },
  );
  const [, lost] = told;
  assert.deepEqual(lost, {
    type: 'session.lost',
    what: 'access to the cluster',
    cause: 'your credentials for context fake are no longer accepted',
    next: 'log in again',
  });
  assert.deepEqual(
    told.map(({ type }) => type),
    ['log', 'session.lost', 'session.resumed', 'log'],
  );
});
