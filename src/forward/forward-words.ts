import { Failure } from '../errors.ts';
import { nearest } from '../lib/nearest.ts';
import { type ForwardKind, forwardKindOf, forwardKinds } from '../project.ts';

/** What one or more words of the command line ask for. */
export interface AskedForward {
  /** undefined: whatever has the name. */
  readonly kind: ForwardKind | undefined;
  readonly name: string;
  /** None: all that it has. */
  readonly ports: readonly AskedPort[];
}

interface AskedPort {
  readonly port: number | string;
  readonly local: number | 'auto' | undefined;
}

/**
 * Reads `[KIND/]NAME[:[LOCAL:]PORT]`, and as kubectl does `[LOCAL:]PORT` after it, for more ports of the same.
 * @throws Failure `usage`.
 */
export function readForwardWords(words: readonly string[]): readonly AskedForward[] {
  const asked: AskedForward[] = [];
  for (const word of words) {
    const last = asked.at(-1);
    if (/^(\d|:)/.test(word) && last) {
      asked[asked.length - 1] = { ...last, ports: [...last.ports, readPort(word.split(':'), word)] };
      continue;
    }
    const [what = '', ...ports] = word.split(':');
    asked.push({ ...readTarget(what, word), ports: ports.length === 0 ? [] : [readPort(ports, word)] });
  }
  return asked;
}

function readTarget(what: string, word: string): Pick<AskedForward, 'kind' | 'name'> {
  const [first = '', name, ...more] = what.split('/');
  if (more.length > 0 || !/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/.test(name ?? first)) throw unreadable(word);
  if (name === undefined) return { kind: undefined, name: first };
  const kind = forwardKindOf(first);
  if (kind !== undefined) return { kind, name };
  const kinds = forwardKinds.map((each) => each.toLowerCase());
  const near = nearest(first.toLowerCase(), kinds);
  throw new Failure('usage', `there is no forwarding to a ${first}`, {
    where: word,
    next: near === undefined ? `the kinds are ${kinds.join(', ')}` : `did you mean ${near}/${name}?`,
  });
}

function readPort(parts: readonly string[], word: string): AskedPort {
  if (parts.length > 2) throw unreadable(word);
  const [remote = '', local] = parts.toReversed();
  const port = /^\d+$/.test(remote) ? readNumber(remote, word) : remote;
  if (typeof port === 'string' && !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(port)) throw unreadable(word);
  if (local === undefined) return { port, local: undefined };
  if (local === '' || local === 'auto') return { port, local: 'auto' };
  if (!/^\d+$/.test(local)) throw unreadable(word);
  return { port, local: readNumber(local, word) };
}

function readNumber(text: string, word: string): number {
  const number = Number(text);
  if (number >= 1 && number <= 65_535) return number;
  throw new Failure('usage', `${text} is no port`, { where: word, next: 'a port is a number from 1 to 65535' });
}

function unreadable(word: string): Failure {
  return new Failure('usage', `${word} can't be read as something to forward to`, {
    next: 'write it as web, web:80, svc/web:8080:80 or deploy/web:auto:http',
  });
}
