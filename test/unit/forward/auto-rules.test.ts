import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { autoRules } from '../../../src/forward/auto-rules.ts';
import type { KubeObject } from '../../../src/objects.ts';
import type { Forward } from '../../../src/project.ts';

const at = { file: 'stormctl.yaml', line: 7, column: 1 };

function service(name: string, ports: readonly unknown[], more: Record<string, unknown> = {}): KubeObject {
  const spec = { selector: { app: name }, ports, ...more };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec };
}

function told(services: readonly KubeObject[], explicit: readonly Forward[] = [], offset = 0) {
  return autoRules(services, { offset, at }, explicit).map(
    ({ target, port, preferred }) => `${target.name}:${port} at ${preferred ?? 'auto'}`,
  );
}

function rule(name: string, port: number | string, local?: number): Forward {
  return { target: { kind: 'Service', name }, port, local, address: '127.0.0.1', at };
}

describe('autoRules', () => {
  it('gives every TCP port of a Service its own number', () => {
    const ports = [{ port: 3000 }, { name: 'admin', port: 9000 }, { port: 5353, protocol: 'UDP' }];
    assert.deepEqual(told([service('web', ports)]), ['web:3000 at 3000', 'web:9000 at 9000']);
  });

  it('chooses for ports below 1024, and for all that share a number, whichever comes first', () => {
    const services = [service('a', [{ port: 5432 }]), service('b', [{ port: 5432 }]), service('c', [{ port: 80 }])];
    assert.deepEqual(told(services), ['a:5432 at auto', 'b:5432 at auto', 'c:80 at auto']);
  });

  it('leaves out what has no pods', () => {
    const services = [
      service('name', [{ port: 80 }], { type: 'ExternalName', selector: undefined }),
      service('manual', [{ port: 8080 }], { selector: undefined }),
    ];
    assert.deepEqual(told(services), []);
  });

  it('takes a headless Service, but not beside another one with the same pods and port', () => {
    const headless = (name: string) => service(name, [{ port: 5432 }], { clusterIP: 'None', selector: { app: 'db' } });
    assert.deepEqual(told([headless('db-headless')]), ['db-headless:5432 at 5432']);
    const db = service('db', [{ port: 5432 }]);
    assert.deepEqual(told([headless('db-headless'), db]), ['db:5432 at 5432']);
  });

  it('lets an explicit rule win, over the port that it leads to and over the local one', () => {
    const services = [service('web', [{ name: 'http', port: 3000 }]), service('api', [{ port: 4000 }])];
    assert.deepEqual(told(services, [rule('web', 'http', 4000)]), ['api:4000 at auto']);
  });

  it('shifts the numbers, and chooses where they leave the range', () => {
    const services = [service('web', [{ port: 3000 }]), service('api', [{ port: 65_000 }])];
    assert.deepEqual(told(services, [], 1000), ['web:3000 at 4000', 'api:65000 at auto']);
  });
});
