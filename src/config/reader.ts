import { readdir } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { Position } from '../errors.ts';
import { nearest } from '../lib/nearest.ts';
import type { YamlFile, YamlPath } from '../lib/yaml.ts';
import { nameOf } from './describe-issues.ts';
import type { Layers } from './layers.ts';
import type { Mistakes } from './mistakes.ts';
import { kindOf } from '../lib/if-gone.ts';

/** What every section is read with: where things stand, what is wrong, and how paths are meant. */
export interface Reader {
  readonly root: string;
  /** Where the value at a path stands. */
  at(path: YamlPath): Position;
  /** Where the key itself stands: for sections that a whole entry declares. */
  atKey(path: YamlPath): Position;
  /** Adds a mistake, named by the path. */
  wrong(path: YamlPath, message: string, next?: string): void;
  /** @returns the absolute path; relative ones start at the file's folder, `~` is the home folder. */
  resolve(text: string): string;
  /** @returns the path as messages show it: relative to the file's folder. */
  show(absolute: string): string;
}

export interface ReaderOptions {
  readonly file: YamlFile;
  readonly layers: Layers;
  readonly mistakes: Mistakes;
  readonly root: string;
  readonly home: string;
}

export function createReader({ file, layers, mistakes, root, home }: ReaderOptions): Reader {
  return {
    root,
    at: (path) => file.positionOf(layers.origin(path)),
    atKey(path) {
      const origin = layers.origin(path);
      const key = origin.at(-1);
      return typeof key === 'string' ? file.positionOf(origin.slice(0, -1), key) : file.positionOf(origin);
    },
    wrong: (path, message, next) => mistakes.add(`${nameOf(path)}: ${message}`, { path: layers.origin(path) }, next),
    resolve: (text) => (/^~(?=$|\/)/.test(text) ? join(home, text.slice(1)) : resolve(root, text)),
    show: (absolute) => relative(root, absolute) || '.',
  };
}

/** @returns what to do about a path that is not there: the nearest name beside it. */
export async function nearestPath(path: string, reader: Reader): Promise<string | undefined> {
  const folder = dirname(path);
  if ((await kindOf(folder)) !== 'folder') return undefined;
  const near = nearest(basename(path), await readdir(folder));
  return near === undefined ? undefined : `did you mean ${reader.show(join(folder, near))}?`;
}
