import type { YamlPath } from '../lib/yaml.ts';
import { valueAt } from './describe-issues.ts';
import type { BuildInput, EnvironmentInput } from './schema.ts';

/** The settings that hold, and for each of them where the file says so. */
export interface Layers {
  readonly value: EnvironmentInput;
  /** @returns the path in the file of a path in `value`: the environment's where it replaces the base's, else the base's. */
  origin(path: YamlPath): YamlPath;
}

/** Lays an environment over the base: maps merged, lists and scalars replaced. */
export function layer(base: EnvironmentInput, over: EnvironmentInput | undefined, overPath: YamlPath): Layers {
  if (over === undefined) return { value: base, origin: (path) => path };
  return {
    value: merge(longForm(base), longForm(over)) as EnvironmentInput,
    origin: (path) => {
      const value = valueAt(over, path);
      const isBase = value === undefined || (isMap(value) && isMap(valueAt(base, path)));
      return isBase ? path : [...overPath, ...path];
    },
  };
}

/** `build: folder` becomes `build: { context: folder }`, so that an environment can change one key of it. */
function longForm(input: EnvironmentInput): EnvironmentInput {
  if (!input.services) return input;
  const services = Object.entries(input.services).map(([name, service]) => {
    const build: BuildInput | undefined =
      typeof service.build === 'string' ? { context: service.build } : service.build;
    return [name, build ? { ...service, build } : service] as const;
  });
  return { ...input, services: Object.fromEntries(services) };
}

function merge(base: unknown, over: unknown): unknown {
  if (!isMap(base) || !isMap(over)) return over === undefined ? base : over;
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) merged[key] = merge(base[key], value);
  return merged;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
