import type { YamlPath } from '../lib/yaml.ts';
import { nameOf } from './describe-issues.ts';
import type { Mistakes } from './mistakes.ts';
import { schemasAt, type SchemaNode } from './schema-walk.ts';

export interface InterpolateOptions {
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Whether what only a render or a build needs has to be there. */
  readonly renders: boolean;
  /** Of the whole file: it says where a replaced text is to be a number. */
  readonly schema: () => SchemaNode;
  readonly mistakes: Mistakes;
}

const expression = /\$(?:\$|\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|([^}]*)(\}?)))/g;

/**
 * Replaces `${VAR}` and `${VAR:-default}` in the scalar values below `path`, and `$$` by a dollar. A default stands for a
 * variable that is missing or empty, as in Compose. `dev` sections and `afterSync.exec` are left alone: their commands
 * see the environment themselves.
 */
export function interpolate(value: unknown, path: YamlPath, options: InterpolateOptions): unknown {
  if (typeof value === 'string') return replaceIn(value, path, options);
  if (typeof value !== 'object' || value === null || seesEnvironment(path)) return value;
  if (Array.isArray(value)) return value.map((item: unknown, index) => interpolate(item, [...path, index], options));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, interpolate(item, [...path, key], options)]),
  );
}

function seesEnvironment(path: YamlPath): boolean {
  const isDev = path.at(-1) === 'dev' && path.at(-3) === 'services';
  return isDev || (path.at(-1) === 'exec' && path.at(-2) === 'afterSync');
}

/** `set` of a chart, and `args` of a build. */
function isForRender(path: YamlPath): boolean {
  return path.some(
    (key, index) => (key === 'set' && path[index - 1] === 'helm') || (key === 'args' && path[index - 1] === 'build'),
  );
}

function replaceIn(
  text: string,
  path: YamlPath,
  { variables, renders, schema, mistakes }: InterpolateOptions,
): unknown {
  if (!text.includes('$')) return text;
  const replaced = text.replaceAll(
    expression,
    (all: string, name: string | undefined, otherwise: string | undefined) => {
      if (all === '$$') return '$';
      if (name === undefined) {
        const next = 'write ${NAME} or ${NAME:-default}, and $$ for a dollar';
        mistakes.add(`${nameOf(path)}: ${all} is not a variable`, { path }, next);
        return '';
      }
      const value = variables[name];
      if (value !== undefined && (value !== '' || otherwise === undefined)) return value;
      if (otherwise !== undefined) return otherwise;
      if (!renders && isForRender(path)) return all;
      const next = `set it in the environment or in .env, or give it a default: \${${name}:-…}`;
      mistakes.add(`${nameOf(path)}: the variable ${name} is not set`, { path }, next);
      return '';
    },
  );
  return replaced === text ? text : asScalar(replaced, schemasAt(schema(), path));
}

/** A variable holds text; where the file wants only a number or a boolean it becomes one. */
function asScalar(text: string, forms: readonly SchemaNode[]): unknown {
  const types = new Set(forms.map(({ type }) => type));
  if (types.has('string') && !types.has('integer')) return text;
  if ((types.has('integer') || types.has('number')) && /^\d+$/.test(text)) return Number(text);
  if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}
