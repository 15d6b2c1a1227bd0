import { constants } from 'node:os';
import { nearest } from '../lib/nearest.ts';
import type { YamlPath } from '../lib/yaml.ts';
import type { AfterSync } from '../project.ts';
import type { Reader } from './reader.ts';
import type { ServiceInput } from './schema.ts';

const actions = 'exec, signal or restart';

export function readAfterSync(input: ServiceInput, path: YamlPath, reader: Reader): AfterSync | undefined {
  const { afterSync, sync } = input;
  if (afterSync === undefined) return undefined;
  const { exec, signal, restart } = afterSync;
  const given = [exec && 'exec', signal && 'signal', restart && 'restart'].filter((name) => name !== undefined);
  const at = [...path, 'afterSync'];
  if (given.length !== 1) {
    const found = given.length === 0 ? 'it names nothing to do' : `${given.join(' and ')} can't stand side by side`;
    reader.wrong(at, found, `name one of ${actions}`);
  } else if (sync === undefined) {
    reader.wrong(at, 'nothing of the service is synced', 'give it `sync` rules, or leave `afterSync` out');
  }
  if (exec) return { kind: 'exec', command: exec };
  if (signal !== undefined) return { kind: 'signal', signal: readSignal(signal, [...at, 'signal'], reader) };
  return { kind: 'restart' };
}

/** @returns the name as `kill -s` takes it. */
function readSignal(text: string, path: YamlPath, reader: Reader): string {
  const name = text.toUpperCase().replace(/^SIG/, '');
  if (name === 'KILL' || name === 'STOP') {
    reader.wrong(
      path,
      `the first process of a container never gets ${name}`,
      'name another signal, or use `restart: true`',
    );
  } else if (!Object.hasOwn(constants.signals, `SIG${name}`)) {
    const known = Object.keys(constants.signals).map((each) => each.replace(/^SIG/, ''));
    const near = nearest(name, known);
    reader.wrong(path, `${text} is no signal`, near === undefined ? 'like HUP, USR1 or USR2' : `did you mean ${near}?`);
  }
  return name;
}
