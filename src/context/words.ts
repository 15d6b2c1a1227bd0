/** What a variable stands for: its text, undefined for one that is not set, or `unresolved` where only the build can say. */
export type Lookup = (name: string) => string | undefined | typeof unresolved;

export const unresolved = Symbol('unresolved');

/** Splits at white space outside quotes, keeping quotes and escapes as written. */
export function splitWords(text: string, escape: string): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (quote === '' && /\s/.test(char)) {
      if (word !== '') words.push(word);
      word = '';
      continue;
    }
    if (char === escape && quote !== "'") {
      word += char + text.charAt(++at);
      continue;
    }
    if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (char === quote) quote = '';
    word += char;
  }
  return word === '' ? words : [...words, word];
}

/**
 * Expands one word as BuildKit's shell lexer does (frontend/dockerfile/shell/lex.go): quotes and escapes go, `$NAME`,
 * `${NAME}`, `${NAME:-word}`, `${NAME-word}`, `${NAME:+word}`, `${NAME+word}` and `${NAME:?word}` are replaced.
 *
 * @returns undefined when it holds a variable, or a form of one, whose text only the build knows.
 */
export function expandWord(word: string, lookup: Lookup, escape: string): string | undefined {
  const parts: string[] = [];
  let quote = '';
  for (let at = 0; at < word.length; at++) {
    const char = word.charAt(at);
    if (char === "'" && quote !== '"') quote = quote === "'" ? '' : "'";
    else if (char === '"' && quote !== "'") quote = quote === '"' ? '' : '"';
    else if (char === escape && quote !== "'") {
      const next = word.charAt(++at);
      // Inside double quotes only these can be escaped; a lone escape at the end stands for itself.
      parts.push(next === '' || (quote === '"' && !['"', '$', escape].includes(next)) ? char + next : next);
    } else if (char === '$' && quote !== "'") {
      const variable = readVariable(word.slice(at));
      const value = variable && valueOf(variable, lookup, escape);
      if (variable === undefined || value === undefined) return undefined;
      parts.push(value);
      at += variable.length - 1;
    } else parts.push(char);
  }
  return parts.join('');
}

interface Variable {
  readonly name: string;
  readonly operator: string;
  readonly operand: string;
  /** Of the whole reference, from its dollar on. */
  readonly length: number;
}

function readVariable(text: string): Variable | undefined {
  const [plain, name] = /^\$([A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])/.exec(text) ?? [];
  if (plain !== undefined && name !== undefined) return { name, operator: '', operand: '', length: plain.length };
  if (!text.startsWith('${')) return { name: '', operator: 'literal', operand: '$', length: 1 };
  const end = closingBrace(text);
  if (end < 0) return undefined;
  const [, braced, operator, operand] = /^([A-Za-z_][A-Za-z0-9_]*)(:?[-+?]|)(.*)$/s.exec(text.slice(2, end)) ?? [];
  if (braced === undefined || operator === undefined || operand === undefined) return undefined;
  if (operator === '' && operand !== '') return undefined;
  return { name: braced, operator, operand, length: end + 1 };
}

function closingBrace(text: string): number {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if (text.startsWith('${', at)) depth++;
    if (text.charAt(at) === '}' && --depth === 0) return at;
  }
  return -1;
}

function valueOf({ name, operator, operand }: Variable, lookup: Lookup, escape: string): string | undefined {
  if (operator === 'literal') return operand;
  const value = lookup(name);
  if (value === unresolved) return undefined;
  const isSet = operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined;
  if (operator.endsWith('-') && !isSet) return expandWord(operand, lookup, escape);
  if (operator.endsWith('+')) return isSet ? expandWord(operand, lookup, escape) : '';
  // The build ends with the operand as its error, so no file is reached through it.
  if (operator.endsWith('?') && !isSet) return undefined;
  return value ?? '';
}
