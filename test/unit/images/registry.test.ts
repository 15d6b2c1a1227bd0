import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure } from '../../../src/errors.ts';
import {
  type Announced,
  type Destination,
  namesAt,
  parseAnnounced,
  qualify,
  resolveRegistry,
} from '../../../src/images/registry.ts';

const k3d: Announced = { host: 'localhost:5000', hostFromContainerRuntime: 'k3d-storm-registry:5000' };
const oneName: Announced = { host: 'localhost:5001', hostFromContainerRuntime: undefined };
const to = (push: string, pull = push): Destination => ({ kind: 'push', push, pull });
const load: Destination = { kind: 'load' };

describe('resolveRegistry', () => {
  const cases: readonly [string, string | undefined, Announced | undefined, boolean, Destination][] = [
    ['k3d loads, whatever is announced', 'k3d', k3d, true, load],
    [
      'an address that nobody announces has one name',
      'registry.example.com/team',
      undefined,
      false,
      to('registry.example.com/team'),
    ],
    [
      'the announced address is pulled under its other name',
      'localhost:5000',
      k3d,
      true,
      to('localhost:5000', 'k3d-storm-registry:5000'),
    ],
    [
      'its path goes along',
      'localhost:5000/team',
      k3d,
      true,
      to('localhost:5000/team', 'k3d-storm-registry:5000/team'),
    ],
    ['two names of this machine are one', '127.0.0.1:5000', k3d, true, to('127.0.0.1:5000', 'k3d-storm-registry:5000')],
    ['another port is another registry', 'localhost:5001', k3d, true, to('localhost:5001')],
    ['without an address the announced one', undefined, k3d, true, to('localhost:5000', 'k3d-storm-registry:5000')],
    ['announced with one name', undefined, oneName, false, to('localhost:5001')],
    ['with neither a k3d cluster is loaded', undefined, undefined, true, load],
  ];
  for (const [name, registry, announced, canLoad, destination] of cases) {
    it(name, () => assert.deepEqual(resolveRegistry({ registry, announced, canLoad }), destination));
  }

  it('refuses when there is no way', () => {
    assert.throws(
      () => resolveRegistry({ registry: undefined, announced: undefined, canLoad: false }),
      (error) => error instanceof Failure && error.kind === 'usage' && error.next !== undefined,
    );
  });
});

describe('parseAnnounced', () => {
  const data = (text: string) => ({ 'localRegistryHosting.v1': text });

  it('reads both names', () => {
    assert.deepEqual(
      parseAnnounced(
        data('host: "localhost:5000"\nhostFromContainerRuntime: "k3d-storm-registry:5000"\nhelp: "https://k3d.io"\n'),
      ),
      k3d,
    );
  });

  it('reads one name', () => {
    assert.deepEqual(parseAnnounced(data('host: localhost:5001\nhostFromContainerRuntime: ""\n')), oneName);
  });

  it('announces nothing without a host', () => {
    for (const each of [{}, data(''), data('help: x'), data('host: 7'), data('- a')])
      assert.equal(parseAnnounced(each), undefined);
  });

  it('says when it is no YAML', () => {
    assert.throws(() => parseAnnounced(data('host: [')), { kind: 'usage' });
  });
});

describe('qualify', () => {
  const cases: readonly [string, string][] = [
    ['storm/web', 'localhost:5000/storm/web'],
    ['web', 'localhost:5000/web'],
    ['ghcr.io/storm/web', 'ghcr.io/storm/web'],
    ['localhost/web', 'localhost/web'],
    ['other:5000/web', 'other:5000/web'],
    ['web.app', 'localhost:5000/web.app'],
  ];
  for (const [image, qualified] of cases) {
    it(`${image} is ${qualified}`, () => assert.equal(qualify(image, 'localhost:5000'), qualified));
  }
});

describe('namesAt', () => {
  const both = { kind: 'push', push: 'localhost:5000', pull: 'k3d-storm-registry:5000' } as const;
  const cases: readonly [string, string, string][] = [
    ['storm/web', 'localhost:5000/storm/web', 'k3d-storm-registry:5000/storm/web'],
    ['localhost:5000/web', 'localhost:5000/web', 'k3d-storm-registry:5000/web'],
    ['ghcr.io/web', 'ghcr.io/web', 'ghcr.io/web'],
  ];
  for (const [image, push, pull] of cases) {
    it(`pushes ${image} as ${push} and pulls ${pull}`, () => assert.deepEqual(namesAt(image, both), { push, pull }));
  }
});
