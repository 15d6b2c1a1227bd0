import { Failure } from '../errors.ts';

/**
 * @returns the regular expression of a flag. `(?i)` at its beginning, as other languages write it, ignores case.
 * @throws Failure `usage` that shows where the fault is.
 */
export function readPattern(flag: string, text: string, flags = 'u'): RegExp {
  const [head = ''] = /^\(\?i\)/.exec(text) ?? [];
  const body = text.slice(head.length);
  const all = head === '' ? flags : `${flags}i`;
  const fault = faultOf(body, all);
  if (!fault) return new RegExp(body, all);
  const at = head.length + positionOf(body, all, fault);
  throw new Failure('usage', `${flag} is no regular expression: ${fault.toLowerCase()}, at character ${at + 1}`, {
    where: flag,
    detail: `${text}\n${' '.repeat(at)}^`,
    next: 'they are written as in JavaScript; put quotes around them, and \\ before a character that means itself',
  });
}

/** @returns what the engine says is wrong with a pattern, or undefined. */
function faultOf(pattern: string, flags: string): string | undefined {
  try {
    return void new RegExp(pattern, flags);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return message.slice(message.lastIndexOf(`/${flags}: `) + flags.length + 3);
  }
}

/**
 * The engine does not say where a fault is. It reads from the left, so from the fault on every longer part of the pattern
 * has it; what is not closed is a fault from its opening on, whatever else a part that ends within it lacks.
 */
function positionOf(pattern: string, flags: string, fault: string): number {
  const isOpen = fault.startsWith('Unterminated');
  let at = pattern.length;
  for (; at > 0; at--) {
    const other = faultOf(pattern.slice(0, at), flags);
    if (isOpen ? !other : other !== fault) break;
  }
  return Math.min(at, pattern.length - 1);
}
