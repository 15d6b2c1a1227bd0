import { colourChoices } from '../terminal/style.ts';

/** Those of the flags of every command that take the next word. */
export const valueFlags: ReadonlySet<string> = new Set([
  ...['file', 'env', 'namespace', 'context', 'output', 'timeout'].map((name) => `--${name}`),
  '-f',
  '-e',
  '-n',
  '-o',
]);

/**
 * @returns the words as oclif takes them: flags that stand before the command go behind it (`--context k3d-a run`), and
 * `help run` is `run --help`.
 */
export function commandFirst(argv: readonly string[]): string[] {
  const at = firstWord(argv);
  const [command, ...rest] = argv.slice(at);
  if (command === undefined) return [...argv];
  const flags = argv.slice(0, at);
  if (command === 'help') return [...rest, ...flags, '--help'];
  if (flags.length === 0) return [...argv];
  const words = rest.findIndex((word) => word.startsWith('-'));
  // Behind the last word of the command's name, `cluster create`, and before a `--`.
  const names = words < 0 ? rest : rest.slice(0, words);
  return [command, ...names, ...flags, ...rest.slice(names.length)];
}

function firstWord(argv: readonly string[]): number {
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? '';
    if (!word.startsWith('-')) return at;
    const next = argv[at + 1];
    if (valueFlags.has(word) || (word === '--color' && colourChoices.some((choice) => choice === next))) at++;
  }
  return argv.length;
}
