import type * as z from 'zod';
import { nearest } from '../lib/nearest.ts';
import type { YamlPath } from '../lib/yaml.ts';
import type { Mistakes } from './mistakes.ts';
import { keysAt, type SchemaNode } from './schema-walk.ts';

type Issue = z.core.$ZodIssue;

interface Checked {
  /** What was checked. */
  readonly value: unknown;
  /** Where it stands in the file. */
  readonly path: YamlPath;
  /** Of the whole file. */
  readonly schema: () => SchemaNode;
}

/** Says what zod found in plain words, each mistake at its own place. */
export function describeIssues(issues: readonly Issue[], checked: Checked, mistakes: Mistakes): void {
  for (const issue of issues) describeIssue(issue, checked, mistakes);
}

function describeIssue(issue: Issue, checked: Checked, mistakes: Mistakes): void {
  const below = issue.path as YamlPath;
  const path = [...checked.path, ...below];
  const found = valueAt(checked.value, below);
  switch (issue.code) {
    case 'unrecognized_keys':
      for (const key of issue.keys) addUnknownKey(key, path, checked.schema(), mistakes);
      return;
    case 'invalid_union':
      describeUnion(issue, checked, mistakes);
      return;
    case 'invalid_type':
      if (found === undefined) mistakes.add(`${nameOf(path)} is missing`, { path });
      else
        mistakes.add(
          `${nameOf(path)}: expected ${expectedWords[issue.expected] ?? issue.expected}, found ${describe(found)}`,
          { path },
        );
      return;
    case 'invalid_value': {
      const allowed = issue.values.map(String);
      const near = typeof found === 'string' ? nearest(found, allowed) : undefined;
      const message = `${nameOf(path)}: expected ${allowed.join(' or ')}, found ${describe(found)}`;
      mistakes.add(message, { path }, near === undefined ? undefined : `did you mean ${near}?`);
      return;
    }
    case 'too_small':
    case 'too_big':
      mistakes.add(`${nameOf(path)}: ${limitOf(issue, found)}`, { path });
      return;
    case 'invalid_format':
    case 'custom':
      mistakes.add(`${nameOf(path)}: ${issue.message}, found ${describe(found)}`, { path });
      return;
    default:
      mistakes.add(`${nameOf(path)}: ${issue.message}`, { path });
  }
}

/** Of the forms that a value may have, the one that was most likely meant; where none fits at all, every form is named. */
function describeUnion(issue: z.core.$ZodIssueInvalidUnion, checked: Checked, mistakes: Mistakes): void {
  const below = issue.path as YamlPath;
  const path = [...checked.path, ...below];
  const found = valueAt(checked.value, below);
  const unfit = (form: readonly Issue[]) =>
    form.some(({ code, path }) => path.length === 0 && (code === 'invalid_type' || code === 'invalid_value'));
  const likely = issue.errors
    .filter((form) => !unfit(form))
    .sort((a, b) => strangeness(a, found) - strangeness(b, found));
  const [first] = likely;
  if (found !== undefined && likely.length > 1 && likely.every((form) => form.some((each) => lacksKey(each, found)))) {
    const unknown = first?.filter(({ code }) => code === 'unrecognized_keys') ?? [];
    const missing = likely.flatMap((form) => form.filter((each) => lacksKey(each, found)));
    if (unknown.length > 0) describeIssues(unknown, { ...checked, value: found, path }, mistakes);
    else
      mistakes.add(`${nameOf(path)}: one of ${missing.map((each) => each.path.join('.')).join(', ')} is missing`, {
        path,
      });
  } else if (found === undefined) {
    mistakes.add(`${nameOf(path)} is missing`, { path });
  } else if (first) {
    describeIssues(first, { ...checked, value: found, path }, mistakes);
  } else {
    mistakes.add(`${nameOf(path)}: expected ${wordsOfForms(issue.errors)}, found ${describe(found)}`, { path });
  }
}

function wordsOfForms(forms: readonly (readonly Issue[])[]): string {
  const expected = forms.flat().flatMap((each) => {
    if (each.code === 'invalid_type') return [expectedWords[each.expected] ?? each.expected];
    return each.code === 'invalid_value' ? each.values.map(String) : [];
  });
  return [...new Set(expected)].join(' or ');
}

function isMissing(issue: Issue, found: unknown): boolean {
  const isAbsence = issue.code === 'invalid_type' || issue.code === 'invalid_union';
  return isAbsence && issue.path.length > 0 && valueAt(found, issue.path as YamlPath) === undefined;
}

/** Of the map itself: one with a key that only says too little is of that key's form. */
function lacksKey(issue: Issue, found: unknown): boolean {
  return issue.path.length === 1 && isMissing(issue, found);
}

/** Keys that a form lacks count more than keys that it does not know: a misspelt key is both. */
function strangeness(form: readonly Issue[], found: unknown): number {
  return form.reduce((sum, issue) => sum + (isMissing(issue, found) ? 2 : 1), 0);
}

function addUnknownKey(key: string, path: YamlPath, schema: SchemaNode, mistakes: Mistakes): void {
  const known = keysAt(schema, path);
  if (known.includes(key)) {
    mistakes.add(
      `${nameOf(path)}: ${key} can't stand beside its other keys`,
      { path, key },
      'make it an entry of its own',
    );
    return;
  }
  const near = nearest(key, known);
  const inside = path.length === 0 ? '' : ` in ${nameOf(path)}`;
  const next = near === undefined ? `the keys here are ${known.join(', ')}` : `did you mean ${near}?`;
  mistakes.add(`unknown key ${key}${inside}`, { path, key }, next);
}

function limitOf(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig, found: unknown): string {
  if (issue.origin === 'string' || issue.origin === 'array') return 'must not be empty';
  const limit = issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
  return `expected ${limit}, found ${describe(found)}`;
}

const expectedWords: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

/** @returns a value as a message names it. */
function describe(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value === 'string') return `the text ${JSON.stringify(value)}`;
  return typeof value === 'number' ? `the number ${value}` : JSON.stringify(value);
}

/** @returns `services.api.sync[0].to`, as messages name a place. */
export function nameOf(path: YamlPath): string {
  const name = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');
  return name === '' ? 'the file' : name.replace(/^\./, '');
}

export function valueAt(value: unknown, path: YamlPath): unknown {
  let found = value;
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined;
    found = (found as Record<string | number, unknown>)[step];
  }
  return found;
}
