import type { Instruction } from './parse-dockerfile.ts';
import type { Stage } from './stages.ts';

const countedKeywords = new Set(['ADD', 'COPY', 'RUN', 'WORKDIR']);

/**
 * Finds the Dockerfile line of a step that BuildKit names, such as `[build 4/6] RUN go build`: the fourth of the stage's
 * FROM, ADD, COPY, RUN and WORKDIR. Where the count is another than ours the instruction's text decides.
 *
 * @returns undefined for a step that is no instruction (`exporting to image`).
 */
export function lineOfStep(stages: readonly Stage[], step: string): number | undefined {
  const [, label, number, total, text] = /^\[([^\]]*?)\s*(\d+)\/(\d+)\]\s*(.*)$/s.exec(step.trim()) ?? [];
  if (label === undefined || text === undefined) return undefined;
  // A build for another platform puts `linux/arm64` before the stage's name.
  const name = label.split(/\s+/).findLast((word) => word !== '' && !word.includes('/'));
  const stage = name === undefined ? stages[0] : stages.find((each) => labelOf(each) === name.toLowerCase());
  if (!stage) return undefined;
  const steps = stepsOf(stage);
  const counted = steps.length === Number(total) ? steps[Number(number) - 1] : undefined;
  const keyword = /^\S*/.exec(text)?.[0].toUpperCase();
  return (counted?.keyword === keyword ? counted : steps.find((each) => sameText(each.text, text)))?.line;
}

function labelOf({ name, index }: Stage): string {
  return name === '' ? `stage-${index}` : name;
}

function stepsOf({ from, instructions, pulls }: Stage): readonly Instruction[] {
  const steps = instructions.filter(({ keyword }) => countedKeywords.has(keyword));
  return pulls ? [from, ...steps] : steps;
}

function sameText(one: string, other: string): boolean {
  const plain = (text: string) => text.replace(/\s+/g, ' ').trim().toLowerCase();
  return plain(one) === plain(other);
}
