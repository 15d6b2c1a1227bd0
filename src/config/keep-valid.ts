import type * as z from 'zod';
import type { YamlPath } from '../lib/yaml.ts';
import { configSchema, type ConfigInput } from './schema.ts';

export interface Validated {
  /** What is left of the file once everything that has an issue is taken out. */
  readonly config: ConfigInput;
  readonly issues: readonly z.core.$ZodIssue[];
}

/**
 * Checks the form of the file, and keeps the part that is sound, so that the mistakes which only show later, in the files
 * that it names, come in the same go. A list with an issue goes as a whole: its indexes must stay those of the file.
 */
export function keepValid(value: unknown): Validated {
  const first = configSchema.safeParse(value);
  if (first.success) return { config: first.data, issues: [] };
  let rest = structuredClone(value);
  let result: ReturnType<typeof configSchema.safeParse> = first;
  while (!result.success) {
    for (const issue of result.error.issues) rest = takeOut(rest, issue);
    result = configSchema.safeParse(rest);
  }
  return { config: result.data, issues: first.error.issues };
}

function takeOut(value: unknown, issue: z.core.$ZodIssue): unknown {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.reduce((rest, key) => without(rest, [...(issue.path as YamlPath), key]), value);
  }
  return without(value, issue.path as YamlPath);
}

/** @returns the value without what stands at `path`, or without the outermost list on the way there. */
function without(value: unknown, path: YamlPath): unknown {
  const [step, ...below] = path;
  if (step === undefined || typeof value !== 'object' || value === null) return {};
  if (below.length === 0 || typeof below[0] === 'number' || !Object.hasOwn(value, step)) {
    const { [step]: _taken, ...rest } = value as Record<string, unknown>;
    return rest;
  }
  const map = value as Record<string, unknown>;
  return { ...map, [step]: without(map[step], below) };
}
