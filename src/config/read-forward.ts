import { nearest } from '../lib/nearest.ts';
import type { AutoForward, Forward } from '../project.ts';
import { forwardKindOf, forwardKinds } from '../project.ts';
import { isPort, portRange } from './read-cluster.ts';
import type { Reader } from './reader.ts';
import type { ForwardInput } from './schema.ts';

interface Forwards {
  readonly forward: readonly Forward[];
  readonly autoForward: AutoForward | undefined;
}

/** Reads `forward`: rules, `auto`, or both. */
export function readForwards(input: 'auto' | readonly (ForwardInput | 'auto')[], reader: Reader): Forwards {
  if (input === 'auto') return { forward: [], autoForward: { offset: 0, at: reader.at(['forward']) } };
  const auto = input.indexOf('auto');
  return {
    forward: input.flatMap((each, index) => (each === 'auto' ? [] : [readForward(each, index, reader)])),
    autoForward: auto < 0 ? undefined : { offset: 0, at: reader.at(['forward', auto]) },
  };
}

function readForward(input: ForwardInput, index: number, reader: Reader): Forward {
  const path = ['forward', index];
  const [word = '', name = ''] = input.to.split('/');
  const kind = forwardKindOf(word);
  if (kind === undefined) {
    const names = forwardKinds.map((each) => each.toLowerCase());
    const near = nearest(word.toLowerCase().replace(/s$/, ''), names);
    reader.wrong(
      [...path, 'to'],
      `there is no forwarding to a ${word}`,
      near === undefined ? `the kinds are ${names.join(', ')}` : `did you mean ${near}/${name}?`,
    );
  }
  const port = typeof input.port === 'string' && /^\d+$/.test(input.port) ? Number(input.port) : input.port;
  if (typeof port === 'number' && !isPort(port)) reader.wrong([...path, 'port'], portRange);
  return {
    target: { kind: kind ?? 'Service', name, ...(input.namespace !== undefined && { namespace: input.namespace }) },
    port,
    local: input.local,
    address: input.address ?? '127.0.0.1',
    at: reader.at(path),
  };
}
