import type { LogReport } from '../events.ts';
import { colourOf, containAnsi, type Style } from './style.ts';

const widest = 24;

/**
 * Writes a log line behind its source: short, aligned with the others, a stable colour each. The pod and the container
 * are named only where a source has several.
 */
export class LogPrefixes {
  readonly #style: Style;
  readonly #timestamps: boolean;
  readonly #pods = new Map<string, Set<string>>();
  readonly #containers = new Map<string, Set<string>>();
  readonly #prefixes = new Map<string, string>();
  #width = 0;

  constructor(style: Style, options: { readonly timestamps: boolean }) {
    this.#style = style;
    this.#timestamps = options.timestamps;
  }

  format(log: LogReport): string {
    const text = containAnsi(log.line, this.#style.colours);
    const stamp = this.#timestamps ? `${this.#style.dim(log.stamp)} ` : '';
    return `${this.#prefix(log)} ${stamp}${text}`;
  }

  #prefix(log: LogReport): string {
    const key = `${log.source}\n${log.pod}\n${log.container}`;
    const known = this.#prefixes.get(key);
    if (known !== undefined) return known;
    add(this.#pods, log.source, log.pod);
    add(this.#containers, log.source, log.container);
    // Names get longer, and the column wider, as pods and containers turn up.
    const name = this.#name(log);
    this.#width = Math.max(this.#width, Math.min(name.length, widest));
    this.#prefixes.clear();
    const prefix = this.#style.paint(colourOf(log.source), `${name.padEnd(this.#width)} │`);
    this.#prefixes.set(key, prefix);
    return prefix;
  }

  #name({ source, pod, container }: LogReport): string {
    const several = (names: Map<string, Set<string>>) => (names.get(source)?.size ?? 0) > 1;
    const suffix = several(this.#pods) ? ` ${pod.slice(pod.lastIndexOf('-') + 1)}` : '';
    return `${source}${suffix}${several(this.#containers) ? `/${container}` : ''}`;
  }
}

function add(names: Map<string, Set<string>>, source: string, name: string): void {
  const set = names.get(source);
  if (set) set.add(name);
  else names.set(source, new Set([name]));
}
