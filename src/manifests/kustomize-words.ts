import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseManifestYaml } from '../lib/yaml.ts';
import { kustomizationNames } from '../project.ts';

/** What kustomize puts around a cause at each kustomization on the way down. */
const wrappings: readonly RegExp[] = [
  /^accumulating resources: /u,
  /^accumulation err='accumulating resources from '[^']*': '[^']*' must resolve to a file': /u,
  /^recursed accumulation of path '[^']*': /u,
  /^accumulating resources from '[^']*': (?!security)/u,
  /^couldn't make target for path '[^']*': /u,
  /^trouble configuring builtin \w+ with config: `[^`]*`: /u,
];

/** What it tried last, which says nothing of the cause. */
const attempt = /^accumulation err='(.*)': must build at directory: .*$/su;

/**
 * @returns the error that a renderer ended with, of all that it printed. A kubectl that is set up to log gives it quoted, or,
 * where it has several lines, indented. https://github.com/kubernetes/klog/blob/main/internal/serialize/keyvalues.go
 */
export function errorOf(printed: string): string {
  const quoted = /"command failed" err="((?:[^"\\]|\\.)*)"/u.exec(printed)?.[1];
  if (quoted !== undefined) return quoted.replaceAll(/\\(.)/gu, (_, each: string) => (each === 'n' ? '\n' : each));
  const indented = /"command failed" err=<\n(.*?)\n >/su.exec(printed)?.[1];
  if (indented !== undefined) return indented.replaceAll(/^\t/gmu, '');
  return /^error: (.*)/imsu.exec(printed)?.[1] ?? printed;
}

export interface KustomizeFault {
  readonly message: string;
  /** `file:line`, or a file, relative to the root; undefined: nothing but the kustomization is known. */
  readonly where: string | undefined;
  readonly next?: string | undefined;
}

/**
 * Finds in the error of kustomize the file that is at fault and the cause.
 *
 * @param folder absolute: the kustomization that was built.
 * @throws Failure `usage` of a file that can't be parsed, as of one that is read without kustomize: with its line there.
 */
export async function faultOf(words: string, folder: string, root: string): Promise<KustomizeFault> {
  const cause = causeOf(words);
  // The innermost kustomization is named last.
  const [way = '', within = folder] =
    [...words.matchAll(/^.*(?:recursed accumulation of|make target for) path '([^']+)'/gsu)].at(-1) ?? [];
  const kustomization = await readFirst(kustomizationNames.map((name) => join(within, name)));
  const whereNamed = (name: string | undefined) => kustomization && lineOf(kustomization, name, root);
  const invalid = /^invalid Kustomization: (?:json: |yaml: )?(.*)$/su.exec(cause)?.[1];
  if (invalid !== undefined) {
    if (kustomization) parseManifestYaml(kustomization.text, relative(root, kustomization.file));
    return { message: invalid, where: whereNamed(/unknown field "([^"]+)"/u.exec(invalid)?.[1]) };
  }
  const missing = lastOf(words, /\b(?:lstat|stat|open) (\S+): no such file or directory/gu);
  if (missing !== undefined) {
    const name = lastOf(words, /(?:resources from '|path\(|sources: \[|source files: \[)([^'\])]+)/gu);
    const next = 'give it, or take it out of the kustomization';
    return { message: `${relative(root, missing)} is not there`, where: whereNamed(name), next };
  }
  const name = lastOf(words.slice(way.length), /(?:accumulating resources from '|patch from \[path: ")([^'"]+)/gu);
  const found = name === undefined ? undefined : await readFirst([join(within, name)]);
  // Of a file that may not be read from there the name is at fault.
  if (found === undefined || cause.includes(': security; '))
    return { message: cause, where: whereNamed(/from '([^']+)'/u.exec(cause)?.[1]) };
  const where = relative(root, found.file);
  parseManifestYaml(found.text, where);
  return { message: cause.replace(/^MalformedYAMLError: (?:yaml: )?(.*) in File: .*$/su, '$1'), where };
}

function causeOf(words: string): string {
  let rest = words;
  for (;;) {
    const inner = attempt.exec(rest)?.[1];
    const less = inner ?? wrappings.reduce((each, wrapping) => each.replace(wrapping, ''), rest);
    if (less === rest) return rest;
    rest = less;
  }
}

interface File {
  readonly file: string;
  readonly text: string;
}

/** @returns the first of some files that can be read. */
async function readFirst(files: readonly string[]): Promise<File | undefined> {
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text !== undefined) return { file, text };
  }
  return undefined;
}

/** The first line of a file that has a text, or the file. */
function lineOf({ file, text }: File, part: string | undefined, root: string): string {
  const shown = relative(root, file);
  const line = part === undefined ? -1 : text.split('\n').findIndex((each) => each.includes(part));
  return line < 0 ? shown : `${shown}:${line + 1}`;
}

function lastOf(text: string, pattern: RegExp): string | undefined {
  return [...text.matchAll(pattern)].at(-1)?.[1];
}
