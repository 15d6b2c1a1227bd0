import { colourChoices } from '../terminal/style.ts';
import type { KnownFlags } from './refusal-words.ts';

/**
 * What people write, as the parser reads it: `--timestamps` and `--color` alone mean their first form, since a value of a flag
 * can't be left out otherwise; `--color always` takes the next word only where it is one of its forms; `--follow=false`, as
 * kubectl takes it, is `--no-follow`.
 */
export function normalArgv(argv: readonly string[], flags: KnownFlags): string[] {
  const end = argv.indexOf('--');
  const last = end < 0 ? argv.length : end;
  return argv.flatMap((word, index) => {
    if (index >= last) return [word];
    if ((word === '--timestamps' || word === '-t') && 'timestamps' in flags) return ['--timestamps=default'];
    if (word === '--no-color') return ['--color=never'];
    if (word === '--color' && !colourChoices.some((choice) => choice === argv[index + 1])) return ['--color=always'];
    const [, name = '', value] = /^--([^=]+)=(true|false)$/.exec(word) ?? [];
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (flag?.type !== 'boolean') return [word];
    if (value === 'true') return [`--${name}`];
    return flag.allowNo === true ? [`--no-${name}`] : [];
  });
}
