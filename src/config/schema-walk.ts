import type { YamlPath } from '../lib/yaml.ts';

/** The parts of a JSON Schema that `configJsonSchema` uses. */
export interface SchemaNode {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
}

/** @returns every form that the value at `path` may have, unions taken apart; none for an unknown key. */
export function schemasAt(root: SchemaNode, path: YamlPath): readonly SchemaNode[] {
  let nodes = alternatives(root);
  for (const step of path) nodes = nodes.flatMap((node) => stepInto(node, step)).flatMap(alternatives);
  return nodes;
}

/** @returns the keys that a map at `path` may have. */
export function keysAt(root: SchemaNode, path: YamlPath): readonly string[] {
  return [...new Set(schemasAt(root, path).flatMap((node) => Object.keys(node.properties ?? {})))];
}

function alternatives(node: SchemaNode): readonly SchemaNode[] {
  return node.anyOf ? node.anyOf.flatMap(alternatives) : [node];
}

function stepInto(node: SchemaNode, step: string | number): readonly SchemaNode[] {
  if (typeof step === 'number') return node.items ? [node.items] : [];
  if (node.properties && Object.hasOwn(node.properties, step)) return [node.properties[step] ?? {}];
  return typeof node.additionalProperties === 'object' ? [node.additionalProperties] : [];
}
