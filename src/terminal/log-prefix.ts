import type { LogReport } from '../events.ts';
import { cutMiddle } from './cell-width.ts';
import type { SourceColours } from './source-colours.ts';
import type { Style } from './style.ts';

const remembered = 1000;

interface Written {
  readonly source: string;
  readonly namespace: string;
  readonly container: string;
  readonly prefix: string;
}

const none: readonly Written[] = [];

export interface LogPrefixOptions {
  readonly style: Style;
  readonly colours: SourceColours;
  /** Of the terminal; undefined where there is none: then no name is shortened. */
  readonly columns: () => number | undefined;
}

/** By how much the column grows at the least, so that names which come one after the other move it seldom. */
const growth = 4;
/** Of an init container's name: it is read a few times, and would make the column wide for good. */
const initCells = 12;

/**
 * Whose a log line is: short, aligned with the others, a stable colour each. Namespace, pod and container are named only
 * where a source has several; an init container always, since it is another program. The column begins as wide as the names
 * that are expected and only grows, by a few cells at once; on a terminal to its share of a row: a name that would take more
 * is shortened in the middle.
 */
export class LogPrefixes {
  readonly #options: LogPrefixOptions;
  readonly #known = new Set<string>();
  /** By source. */
  readonly #namespaces = new Map<string, Set<string>>();
  readonly #pods = new Map<string, Set<string>>();
  readonly #containers = new Map<string, Set<string>>();
  /** By pod: few names to compare, and none to put together, for each line. */
  readonly #prefixes = new Map<string, Written[]>();
  #columns: number | undefined;
  #longest = 0;

  constructor(options: LogPrefixOptions) {
    this.#options = options;
  }

  /** Sources whose lines will come: the column has room for them from the first line on. */
  expect(sources: readonly string[]): void {
    this.#longest = Math.max(this.#longest, ...sources.map(({ length }) => length));
    this.#prefixes.clear();
  }

  /** A pod whose lines may come: where there are several their names are told from the first line on. */
  expectPod({ source, namespace, pod }: Pick<LogReport, 'source' | 'namespace' | 'pod'>): void {
    const key = `${source}\n${namespace}\n${pod}`;
    if (this.#known.has(key)) return;
    this.#remember(key);
    add(this.#namespaces, source, namespace);
    add(this.#pods, source, pod);
  }

  of(log: LogReport): string {
    const columns = this.#options.columns();
    if (columns !== this.#columns) {
      this.#columns = columns;
      this.#prefixes.clear();
    }
    for (const written of this.#prefixes.get(log.pod) ?? none)
      if (written.container === log.container && written.source === log.source && written.namespace === log.namespace)
        return written.prefix;
    return this.#writeNew(log);
  }

  #writeNew(log: LogReport): string {
    const { source, namespace, pod, container } = log;
    const key = `${source}\n${namespace}\n${pod}\n${container}`;
    // Names get longer, and the column wider, as pods and containers turn up.
    if (!this.#known.has(key)) this.#learn(key, log);
    const prefix = this.#write(log);
    const written = this.#prefixes.get(pod) ?? [];
    this.#prefixes.set(pod, [...written, { source, namespace, container, prefix }]);
    return prefix;
  }

  #learn(key: string, { source, namespace, pod, container, init }: LogReport): void {
    this.#remember(key);
    add(this.#namespaces, source, namespace);
    add(this.#pods, source, pod);
    if (init !== true) add(this.#containers, source, container);
  }

  /** A session of weeks sees pods without end. */
  #remember(key: string): void {
    if (this.#known.size >= remembered)
      for (const names of [this.#known, this.#namespaces, this.#pods, this.#containers]) names.clear();
    this.#known.add(key);
    this.#prefixes.clear();
  }

  #write({ source, namespace, pod, container, init }: LogReport): string {
    const several = (names: Map<string, Set<string>>) => (names.get(source)?.size ?? 0) > 1;
    const widest = widestIn(this.#columns);
    const place = several(this.#namespaces) ? `${namespace}:` : '';
    const suffix = several(this.#pods)
      ? ` ${cutMiddle(suffixOf(pod, this.#pods.get(source)), Math.floor(widest / 2))}`
      : '';
    const role = init === true ? '/init:' : several(this.#containers) ? '/' : '';
    const room = widest - suffix.length - role.length;
    const told = init === true && this.#columns !== undefined ? cutMiddle(container, initCells) : container;
    const [name, part] = fitNames(place + source, role === '' ? '' : told, room);
    const width = name.length + suffix.length + role.length + part.length;
    if (width > this.#longest) {
      this.#longest = this.#longest === 0 ? width : Math.max(width, this.#longest + growth);
      this.#prefixes.clear();
    }
    const { style, colours } = this.#options;
    const colour = colours.of(source);
    const minor = `${suffix}${role}${part}`;
    const painted = minor === '' ? style.paint(colour, name) : style.paint(colour, `${name}${style.dim(minor)}`);
    const padding = ' '.repeat(Math.max(0, Math.min(this.#longest, widest) - width));
    return `${painted}${padding} ${style.paint(colour, '│')}`;
  }
}

/** A third of a row, within reason. */
function widestIn(columns: number | undefined): number {
  return columns === undefined ? Number.POSITIVE_INFINITY : Math.min(40, Math.max(16, Math.floor(columns / 3)));
}

/** @returns the last part of a pod's name, or as many as tell it from the others: `x7k2p`, `0`, `api-0`. */
function suffixOf(pod: string, pods: ReadonlySet<string> = new Set()): string {
  for (let dash = pod.lastIndexOf('-'); dash > 0; dash = pod.lastIndexOf('-', dash - 1)) {
    const end = pod.slice(dash);
    if (!hasOther(pods, pod, end)) return end.slice(1);
  }
  return pod;
}

function hasOther(pods: ReadonlySet<string>, pod: string, end: string): boolean {
  for (const other of pods) if (other !== pod && (other.endsWith(end) || other === end.slice(1))) return true;
  return false;
}

/** @returns both within `room`; of the two the longer one gives way first. */
function fitNames(name: string, part: string, room: number): readonly [string, string] {
  if (name.length + part.length <= room) return [name, part];
  const half = Math.floor(room / 2);
  const forPart = Math.min(part.length, Math.max(half, room - name.length));
  return [cutMiddle(name, Math.max(1, room - forPart)), cutMiddle(part, forPart)];
}

function add(names: Map<string, Set<string>>, source: string, name: string): void {
  const set = names.get(source);
  if (set) set.add(name);
  else names.set(source, new Set([name]));
}
