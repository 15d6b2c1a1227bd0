/** A word of a shell, whatever is in it. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Bytes as an argument of `printf %b`, quoted: all that is not plain text as octal. */
export function quoteBytes(bytes: Buffer): string {
  return quote(bytes.toString('latin1').replace(/[^\n\t -[\]-~]/g, octal));
}

function octal(char: string): string {
  return `\\0${char.charCodeAt(0).toString(8).padStart(3, '0')}`;
}

/** What tools say of an errno, which is all that is known of it. The wording is that of glibc and of musl. */
const words: readonly (readonly [RegExp, code: string])[] = [
  [/read-only file system/i, 'EROFS'],
  [/permission denied/i, 'EACCES'],
  [/operation not permitted/i, 'EPERM'],
  [/no space left on device/i, 'ENOSPC'],
  [/(disk )?quota exceeded/i, 'EDQUOT'],
  [/directory not empty/i, 'ENOTEMPTY'],
  [/not a directory/i, 'ENOTDIR'],
  [/is a directory/i, 'EISDIR'],
  [/file exists/i, 'EEXIST'],
  [/(file)?name too long/i, 'ENAMETOOLONG'],
  [/no such file or directory/i, 'ENOENT'],
  [/i\/o error|input\/output error/i, 'EIO'],
];

/** @returns `ERROR` when the words are none that are known. */
export function findErrorCode(message: string): string {
  // A path can hold the words of an error, and stands before the reason.
  const reason = message.slice(message.lastIndexOf(':') + 1);
  const find = (text: string) => words.find(([pattern]) => pattern.test(text))?.[1];
  return find(reason) ?? find(message) ?? 'ERROR';
}
