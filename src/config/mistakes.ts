import { Failure, Failures, formatPosition } from '../errors.ts';
import type { Position } from '../errors.ts';
import { pointAt } from '../lib/yaml.ts';
import type { YamlFile, YamlPath } from '../lib/yaml.ts';

/** Where a mistake is: the value at `path`, or its key `key`. */
export interface Place {
  readonly path: YamlPath;
  readonly key?: string | undefined;
}

/** Collects what is wrong with one file, so that all of it is shown in one go, in the order of the lines. */
export class Mistakes {
  readonly #file: YamlFile;
  readonly #found = new Map<string, { readonly at: Position; readonly failure: Failure }>();

  readonly #paths: YamlPath[] = [];
  #settled: readonly YamlPath[] = [];

  constructor(file: YamlFile) {
    this.#file = file;
  }

  /**
   * Adds a mistake; the same words at the same place count once. Where a settled one stands at, above or below the place
   * nothing is added: it would only be a consequence. `next` says what to do.
   */
  add(message: string, { path, key }: Place, next?: string): void {
    const full = key === undefined ? path : [...path, key];
    if (this.#settled.some((other) => overlap(other, full))) return;
    this.#paths.push(full);
    const at = this.#file.positionOf(path, key);
    const where = formatPosition(at);
    const detail = pointAt(this.#file.lineAt(at), at.column);
    this.#found.set(`${where} ${message}`, { at, failure: new Failure('usage', message, { where, detail, next }) });
  }

  /** Ends one kind of check: what the next one finds at the same places has the same cause. */
  settle(): void {
    this.#settled = [...this.#paths];
  }

  /** @throws Failure for one mistake, Failures for more. */
  throwIfAny(): void {
    const inOrder = [...this.#found.values()]
      .sort((a, b) => a.at.line - b.at.line || a.at.column - b.at.column)
      .map(({ failure }) => failure);
    const [first, ...others] = inOrder;
    if (!first) return;
    throw others.length === 0 ? first : new Failures([first, ...others]);
  }
}

function overlap(a: YamlPath, b: YamlPath): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return short.every((step, index) => step === long[index]);
}
