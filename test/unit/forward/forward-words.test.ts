import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readForwardWords } from '../../../src/forward/forward-words.ts';

describe('readForwardWords', () => {
  for (const [word, expected] of [
    ['web', { kind: undefined, name: 'web', ports: [] }],
    ['web:80', { kind: undefined, name: 'web', ports: [{ port: 80, local: undefined }] }],
    ['svc/web:8080:80', { kind: 'Service', name: 'web', ports: [{ port: 80, local: 8080 }] }],
    ['deploy/web:auto:http', { kind: 'Deployment', name: 'web', ports: [{ port: 'http', local: 'auto' }] }],
    ['StatefulSets/db::5432', { kind: 'StatefulSet', name: 'db', ports: [{ port: 5432, local: 'auto' }] }],
    ['po/web-0:9229', { kind: 'Pod', name: 'web-0', ports: [{ port: 9229, local: undefined }] }],
  ] as const)
    it(`reads ${word}`, () => assert.deepEqual(readForwardWords([word]), [expected]));

  it('takes ports that follow for more of the same, as kubectl does', () => {
    assert.deepEqual(readForwardWords(['svc/web', '8080:80', '9090', 'db:5432']), [
      {
        kind: 'Service',
        name: 'web',
        ports: [
          { port: 80, local: 8080 },
          { port: 9090, local: undefined },
        ],
      },
      { kind: undefined, name: 'db', ports: [{ port: 5432, local: undefined }] },
    ]);
  });

  for (const [word, message] of [
    ['web:1:2:3', /web:1:2:3 can't be read/],
    ['a/b/c', /can't be read/],
    ['web:', /can't be read/],
    ['web:http:80', /can't be read/],
    ['Web', /can't be read/],
    ['web:0', /^0 is no port/],
    ['web:70000:80', /^70000 is no port/],
    ['servce/web', /no forwarding to a servce/],
  ] as const)
    it(`refuses ${word}`, () => {
      assert.throws(() => readForwardWords([word]), { kind: 'usage', message });
    });
});
