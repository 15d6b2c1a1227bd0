import { cellWidth, charactersOf } from './cell-width.ts';
import { fit, paint, type Span } from './format-status.ts';
import type { Mode } from './key-commands.ts';
import type { Style } from './style.ts';

type Prompt = Exclude<Mode, { kind: 'keys' }>;

/** What is asked and what was typed, in one line of at most `columns` cells; of a long text its end. Pure. */
export function formatPrompt(mode: Prompt, columns: number, style: Style): string {
  const question: Span = { text: mode.kind === 'filter' ? '/' : `${mode.choice.question}: `, colour: 'bold' };
  const problem: readonly Span[] = mode.problem === undefined ? [] : [{ text: `${mode.problem}  `, colour: 'red' }];
  const cursor: Span = { text: '▏' };
  const room = columns - cellWidth(question.text) - 1 - problem.reduce((sum, { text }) => sum + cellWidth(text), 0);
  const typed: Span = { text: endOf(mode.text, Math.max(8, room)) };
  return paint(fit([...problem, question, typed, cursor, ...hintsOf(mode)], columns), style);
}

function hintsOf(mode: Prompt): readonly Span[] {
  if (mode.kind === 'filter') return [{ text: '  Enter filters, Esc gives up', colour: 'dim' }];
  const { names, all } = mode.choice;
  const numbered = [...(all ? ['0 all'] : []), ...names.map((name, index) => `${index + 1} ${name}`)];
  return [{ text: ` ${numbered.join('  ')}`, colour: 'dim' }];
}

/** @returns the end of a text in at most `cells` cells. */
function endOf(text: string, cells: number): string {
  const characters = charactersOf(text);
  let from = 0;
  while (cellWidth(characters.slice(from).join('')) > cells) from++;
  return characters.slice(from).join('');
}
