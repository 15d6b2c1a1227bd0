import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  parseDocument,
  stringify,
  visit,
  type Document,
  type Node,
  type Pair,
  type Scalar,
  type ScalarTag,
  type Tags,
  type ToStringOptions,
  type YAMLError,
} from 'yaml';
import { Failure, formatPosition } from '../errors.ts';
import type { Position } from '../errors.ts';
import { stringifyJson } from './json.ts';
import { readKubeScalar } from './kube-scalars.ts';

/** A place in a document: keys of maps and indexes of lists. */
export type YamlPath = readonly (string | number)[];

export interface YamlFile {
  readonly value: unknown;
  /** @returns where the value at `path` stands, or its key `key`; the nearest thing around it when it is not there. */
  positionOf(path: YamlPath, key?: string): Position;
  /** @returns the source line of a position, for messages. */
  lineAt(position: Position): string;
}

export interface ManifestDocument {
  readonly value: unknown;
  /** Where the document's first node stands. */
  readonly at: Position;
  /** As of a YamlFile. */
  positionOf(path: YamlPath, key?: string): Position;
}

export interface YamlEditor {
  /** @returns the value at `path`; undefined when there is none. */
  get(path: YamlPath): unknown;
  /** Sets the value at `path`, making the maps that lead there. An index equal to a list's length appends. */
  set(path: YamlPath, value: unknown): void;
  /** @returns false when there was nothing at `path`. */
  delete(path: YamlPath): boolean;
  /** The file with its comments, every untouched scalar spelled as it was. */
  toString(): string;
}

const plain: Omit<ScalarTag, 'tag' | 'test' | 'identify'> = {
  default: true,
  resolve(text, onError) {
    const value = readKubeScalar(text);
    if (typeof value === 'number' && !Number.isFinite(value)) onError(`${text} has no form in JSON`);
    return value;
  },
  stringify: ({ source, value }: Scalar) => source ?? stringifyJson(value),
};

/** The scalars of kubectl; everything that one of the `test`s takes is quoted when it is written as a string. */
const kubeTags: Tags = [
  { ...plain, tag: 'tag:yaml.org,2002:null', identify: (v) => v === null, test: /^(?:~|null|Null|NULL)?$/ },
  {
    ...plain,
    tag: 'tag:yaml.org,2002:bool',
    identify: (v) => typeof v === 'boolean',
    test: /^(?:[yYnN]|yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/,
  },
  {
    ...plain,
    tag: 'tag:yaml.org,2002:float',
    identify: (v) => typeof v === 'number' || typeof v === 'bigint',
    test: /^(?:[-+]?\.?[0-9][-+_.0-9a-zA-Z]*|\.nan|\.NaN|\.NAN|[-+]?\.(?:inf|Inf|INF))$/,
  },
  { tag: 'tag:yaml.org,2002:int', resolve: plain.resolve },
  { tag: 'tag:yaml.org,2002:timestamp', resolve: (text: string) => text },
  { tag: 'tag:yaml.org,2002:binary', resolve: (text: string) => Buffer.from(text, 'base64').toString('utf8') },
  'merge',
];

/** In YAML or JSON. */
const secretKind = /(?:^|[\s{,])["']?kind["']?\s*:\s*["']?Secret\b/;

const asKubectl = { schema: 'failsafe', customTags: kubeTags, logLevel: 'silent', prettyErrors: false } as const;
const writing: ToStringOptions = { lineWidth: 0, blockQuote: 'literal' };

/**
 * Reads a file that stormctl defines: YAML 1.2, merge keys on.
 *
 * @throws Failure `usage` at the first syntax error; a key that stands twice is one.
 */
export function parseConfigYaml(text: string, file: string): YamlFile {
  const source = new Source(text, file);
  const doc = parseDocument(text, {
    merge: true,
    lineCounter: source.counter,
    prettyErrors: false,
    logLevel: 'silent',
  });
  const value = source.read(doc);
  return {
    value,
    positionOf: (path, key) => source.positionAt(offsetOf(doc, path, key)),
    lineAt: (position) => source.lineAt(position),
  };
}

/**
 * Reads manifests as `kubectl apply -f` does: several documents, scalars as its parser takes them, the last of two equal
 * keys, JSON too. An integer that a number can't hold exactly is a bigint (see `stringifyJson`). Documents that hold
 * nothing are left out.
 *
 * @param options `uniqueKeys`: a key that stands twice is an error, as it is for kustomize: one of the values is lost.
 * @throws Failure `usage` at the first syntax error. It quotes no value of a file that holds a Secret.
 */
export function parseManifestYaml(
  text: string,
  file: string,
  { uniqueKeys = false } = {},
): readonly ManifestDocument[] {
  const source = new Source(text, file, { hidesValues: secretKind.test(text) });
  const docs = parseAllDocuments(text, { ...asKubectl, uniqueKeys, lineCounter: source.counter });
  return [...docs].flatMap((doc) => {
    const value = source.read(doc);
    if (value === null || value === undefined) return [];
    const at = source.positionAt(doc.contents?.range?.[0] ?? 0);
    return [{ value, at, positionOf: (path, key) => source.positionAt(offsetOf(doc, path, key)) }];
  });
}

/** @returns block YAML that kubectl and YAML 1.1 readers take as it was meant: no anchors, no folded lines. */
export function stringifyYaml(value: unknown): string {
  // Without the merge tag a key that reads `<<` is only text, and quoted.
  const customTags = kubeTags.filter((tag) => tag !== 'merge');
  return stringify(value, { ...asKubectl, customTags, compat: 'yaml-1.1', aliasDuplicateObjects: false, ...writing });
}

/**
 * Opens a YAML file for changes that leave the rest of it alone: a kubeconfig.
 *
 * @throws Failure `usage` at the first syntax error. It quotes no value.
 */
export function editYaml(text: string, file: string): YamlEditor {
  const source = new Source(text, file, { hidesValues: true });
  const doc: Document = parseDocument(text, { ...asKubectl, compat: 'yaml-1.1', lineCounter: source.counter });
  source.read(doc);
  return {
    get(path) {
      const found: unknown = path.length === 0 ? doc.contents : doc.getIn(path, true);
      return isNode(found) ? found.toJS(doc) : found;
    },
    set(path, value) {
      const before: unknown = doc.getIn(path, true);
      const node = doc.createNode(value, { aliasDuplicateObjects: false });
      if (isScalar(before) && isScalar(node) && before.comment) node.comment = before.comment;
      if (doc.contents === null || (isScalar(doc.contents) && path.length > 0)) doc.contents = doc.createNode({});
      doc.setIn(path, node);
    },
    delete: (path) => doc.hasIn(path) && doc.deleteIn(path),
    toString: () => doc.toString({ ...writing, indentSeq: false, flowCollectionPadding: false }),
  };
}

/** The line that a column of it is meant, with a caret below. */
export function pointAt(line: string, column: number): string {
  return `${line}\n${line.slice(0, column - 1).replaceAll(/[^\t]/g, ' ')}^`;
}

class Source {
  readonly counter = new LineCounter();
  readonly #lines: readonly string[];
  readonly #file: string;
  readonly #hidesValues: boolean;

  constructor(text: string, file: string, { hidesValues = false } = {}) {
    this.#lines = text.split(/\r?\n/);
    this.#file = file;
    this.#hidesValues = hidesValues;
  }

  positionAt(offset: number): Position {
    const { line, col } = this.counter.linePos(offset);
    return { file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  lineAt(position: Position): string {
    return this.#lines[position.line - 1] ?? '';
  }

  /** @throws Failure for the document's first error, or for what only shows when its aliases and merges are followed. */
  read(doc: Document<Node, boolean>): unknown {
    const [error] = doc.errors;
    if (error) throw this.#failure(wordsOf(error), error.pos[0], error);
    try {
      return doc.toJS();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw this.#failure(message, lostAlias(doc) ?? doc.contents?.range?.[0] ?? 0, error);
    }
  }

  #failure(message: string, offset: number, cause: unknown): Failure {
    const at = this.positionAt(offset);
    const line = this.lineAt(at);
    const isQuoted = !this.#hidesValues;
    return new Failure('usage', `broken YAML: ${isQuoted ? message : message.replace(/: .*/s, '')}`, {
      where: formatPosition(at),
      detail: pointAt(isQuoted ? line : withoutValue(line), at.column),
      next: line.includes('${') ? 'within { } and [ ] a ${VAR} needs quotes' : 'correct the line, or the one before it',
      cause,
    });
  }
}

/** @returns a line of a map with its key alone, and of any other line nothing. */
function withoutValue(line: string): string {
  const [, head = '', rest = ''] = /^(\s*(?:- +)?(?:["']?[\w./-]+["']?\s*:(?=\s|$))?\s*)(.*)$/.exec(line) ?? [];
  return rest === '' ? head : `${head}***`;
}

/** @returns where the first alias stands that names nothing. */
function lostAlias(doc: Document<Node, boolean>): number | undefined {
  let offset: number | undefined;
  visit(doc, {
    Alias(_key, alias) {
      if (alias.resolve(doc)) return undefined;
      offset = alias.range?.[0];
      return visit.BREAK;
    },
  });
  return offset;
}

function wordsOf(error: YAMLError): string {
  switch (error.code) {
    case 'DUPLICATE_KEY':
      return 'this key stands twice in the same map';
    case 'MULTIPLE_DOCS':
      return 'the file holds more than one document (`---`)';
    case 'TAB_AS_INDENT':
      return 'a tab indents this line: YAML takes only spaces';
    default:
      return error.message;
  }
}

function offsetOf(doc: Document<Node, boolean>, path: YamlPath, key: string | undefined): number {
  let node: Node | null | undefined = doc.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const step of key === undefined ? path : [...path, key]) {
    if (isAlias(node)) node = node.resolve(doc);
    if (isSeq(node)) {
      const item: unknown = node.items[Number(step)];
      node = isNode(item) ? item : undefined;
      offset = node?.range?.[0] ?? offset;
    } else if (isMap(node)) {
      const pair: Pair | undefined = node.items.find(
        (item) => isScalar(item.key) && String(item.key.value) === String(step),
      );
      if (!pair) return offset;
      const keyOffset: number | undefined = isNode(pair.key) ? pair.key.range?.[0] : undefined;
      node = isNode(pair.value) ? pair.value : undefined;
      const empty = isScalar(node) && node.value === null && !node.source;
      offset = (empty ? keyOffset : node?.range?.[0]) ?? keyOffset ?? offset;
      if (key !== undefined && step === key) offset = keyOffset ?? offset;
    } else return offset;
  }
  return offset;
}
