import { nearest } from '../lib/nearest.ts';
import type { Forward, ForwardTarget } from '../project.ts';
import { isPort, portRange } from './read-cluster.ts';
import type { Reader } from './reader.ts';
import type { ForwardInput } from './schema.ts';

const kinds: Readonly<Record<string, ForwardTarget['kind']>> = {
  service: 'Service',
  svc: 'Service',
  deployment: 'Deployment',
  deploy: 'Deployment',
  statefulset: 'StatefulSet',
  sts: 'StatefulSet',
  pod: 'Pod',
  po: 'Pod',
};

export function readForward(input: ForwardInput, index: number, reader: Reader): Forward {
  const path = ['forward', index];
  const [word = '', name = ''] = input.to.split('/');
  const singular = word.toLowerCase().replace(/(?<=service|deployment|statefulset|pod)s$/, '');
  const kind = kinds[singular];
  if (kind === undefined) {
    const names = ['service', 'deployment', 'statefulset', 'pod'];
    const near = nearest(singular, names);
    reader.wrong(
      [...path, 'to'],
      `there is no forwarding to a ${word}`,
      near === undefined ? `the kinds are ${names.join(', ')}` : `did you mean ${near}/${name}?`,
    );
  }
  const port = typeof input.port === 'string' && /^\d+$/.test(input.port) ? Number(input.port) : input.port;
  if (typeof port === 'number' && !isPort(port)) reader.wrong([...path, 'port'], portRange);
  return {
    target: { kind: kind ?? 'Service', name },
    port,
    local: input.local,
    address: input.address ?? '127.0.0.1',
    at: reader.at(path),
  };
}
