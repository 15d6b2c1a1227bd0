import { isDeepStrictEqual } from 'node:util';
import type { Position } from '../errors.ts';
import type { Project } from '../project.ts';

/** Whether two readings of a config mean the same, wherever in the file it is said. */
export function isSameProject(a: Project, b: Project): boolean {
  return isDeepStrictEqual(withoutPositions(a), withoutPositions(b));
}

function withoutPositions(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPositions);
  if (typeof value !== 'object' || value === null || value instanceof RegExp) return value;
  const entries = Object.entries(value).filter(([, each]) => !isPosition(each));
  return Object.fromEntries(entries.map(([key, each]) => [key, withoutPositions(each)]));
}

function isPosition(value: unknown): value is Position {
  return typeof value === 'object' && value !== null && 'file' in value && 'line' in value && 'column' in value;
}
