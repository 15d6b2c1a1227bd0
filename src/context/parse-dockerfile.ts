import { splitWords } from './words.ts';

/** One instruction of a Dockerfile, its continuation lines joined and its comments gone. Lines count from 1. */
export interface Instruction {
  /** In capitals. */
  readonly keyword: string;
  /** The trigger of an `ONBUILD`, whose lines are those of the ONBUILD. */
  readonly trigger: Instruction | undefined;
  readonly flags: readonly Flag[];
  /** Its JSON form, or its words split at white space, as COPY and ADD take them; quotes and variables as written. */
  readonly words: readonly string[];
  /** What follows the keyword and the flags. */
  readonly rest: string;
  /** As a person would quote it: one line. */
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

interface Flag {
  /** Without the dashes, in small letters. */
  readonly name: string;
  readonly value: string;
}

export interface ParsedDockerfile {
  readonly instructions: readonly Instruction[];
  /** `\`, or what an `# escape=` directive says. */
  readonly escape: string;
  /** The image of a `# syntax=` directive. */
  readonly syntax: string | undefined;
}

interface LogicalLine {
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

const heredocKeywords = new Set(['ADD', 'COPY', 'RUN']);

/**
 * Splits a Dockerfile into instructions by the rules of BuildKit's own parser (frontend/dockerfile/parser/parser.go):
 * directives, continuation lines with comments and empty lines among them, heredocs, flags and the JSON form.
 * It judges nothing: an unknown keyword is an instruction too.
 */
export function parseDockerfile(content: string): ParsedDockerfile {
  const lines = content.replace(/^\uFEFF/, '').split(/\r?\n/);
  const { escape, syntax } = readDirectives(lines);
  const instructions: Instruction[] = [];
  for (let at = 0; at < lines.length; ) {
    const joined = joinLines(lines, at, escape);
    at = joined.next;
    if (!joined.logical) continue;
    const instruction = toInstruction(joined.logical, escape);
    instructions.push(instruction);
    if (heredocKeywords.has((instruction.trigger ?? instruction).keyword)) {
      at = skipHeredocs(joined.logical.text, lines, at, escape);
    }
  }
  return { instructions, escape, syntax };
}

function readDirectives(lines: readonly string[]): { escape: string; syntax: string | undefined } {
  const found = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) break;
    if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), value);
  }
  return { escape: found.get('escape') === '`' ? '`' : '\\', syntax: found.get('syntax') };
}

function joinLines(
  lines: readonly string[],
  start: number,
  escape: string,
): { readonly logical: LogicalLine | undefined; readonly next: number } {
  let text: string | undefined;
  let line = 0;
  let column = 0;
  let at = start;
  for (; at < lines.length; at++) {
    const raw = lines[at] ?? '';
    if (/^\s*(#|$)/.test(raw)) {
      if (text === undefined) return { logical: undefined, next: at + 1 };
      continue;
    }
    const part = text === undefined ? raw.trimStart() : raw;
    if (text === undefined) [line, column] = [at + 1, raw.length - part.length + 1];
    const continued = withoutContinuation(part, escape);
    text = (text ?? '') + (continued ?? part);
    if (continued === undefined) break;
  }
  return { logical: text === undefined ? undefined : { text, line, column }, next: at + 1 };
}

/** @returns the line without the escape character that continues it; undefined when none does, as after two of them. */
function withoutContinuation(line: string, escape: string): string | undefined {
  const trimmed = line.replace(/[ \t]+$/, '');
  if (!trimmed.endsWith(escape) || trimmed.at(-2) === escape) return undefined;
  return trimmed.slice(0, -1);
}

function toInstruction({ text, line, column }: LogicalLine, escape: string): Instruction {
  const [, keyword = '', after = ''] = /^(\S+)\s*(.*)$/s.exec(text.trim()) ?? [];
  const { flags, rest } = readFlags(after, escape);
  const upper = keyword.toUpperCase();
  return {
    keyword: upper,
    trigger: upper === 'ONBUILD' && rest !== '' ? toInstruction({ text: rest, line, column }, escape) : undefined,
    flags,
    words: jsonStrings(rest) ?? rest.split(/\s+/).filter((word) => word !== ''),
    rest,
    text: text.trim().replace(/\s+/g, ' '),
    line,
    column,
  };
}

function readFlags(text: string, escape: string): { flags: Flag[]; rest: string } {
  const flags: Flag[] = [];
  let rest = text.trim();
  while (rest.startsWith('--')) {
    const word = splitWords(rest, escape)[0] ?? rest;
    rest = rest.slice(word.length).trimStart();
    if (word === '--') break;
    const [, name = '', value = ''] = /^--([^=]*)=?(.*)$/s.exec(word) ?? [];
    flags.push({ name: name.toLowerCase(), value });
  }
  return { flags, rest };
}

function jsonStrings(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}

/** @returns the line after the heredocs that `text` opens; one that nothing ends is none, as for engines that know no heredocs. */
function skipHeredocs(text: string, lines: readonly string[], start: number, escape: string): number {
  let at = start;
  for (const word of splitWords(text, escape)) {
    const [, dash, quoted] = /^\d*<<(-?)([^<]+)$/.exec(word) ?? [];
    if (quoted === undefined) continue;
    const name = quoted.replace(/["']/g, '');
    const end = lines.findIndex((line, index) => index >= at && (dash ? line.replace(/^\t+/, '') : line) === name);
    if (end < 0) return at;
    at = end + 1;
  }
  return at;
}

/** @returns whether a source of a COPY or ADD is the body of a heredoc and not a path. */
export function isHeredoc(word: string): boolean {
  return /^\d*<<-?[^<]+$/.test(word);
}
