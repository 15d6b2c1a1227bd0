import { Failure, formatPosition } from '../errors.ts';
import { nearest } from '../lib/nearest.ts';
import type { Instruction, ParsedDockerfile } from './parse-dockerfile.ts';

const keywords = new Set(
  'ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR'.split(
    ' ',
  ),
);

/**
 * Finds the mistakes that can be seen without building.
 *
 * @throws Failure `usage` at the first one, with its position and the line.
 */
export function checkDockerfile({ instructions }: ParsedDockerfile, file: string): void {
  for (const instruction of instructions) {
    const problem = problemOf(instruction);
    if (problem) throw failureAt(instruction, problem, file);
  }
  const early = instructions.find(({ keyword }) => keyword !== 'ARG');
  if (early && early.keyword !== 'FROM') throw failureAt(early, `${early.keyword} before the first FROM`, file);
  if (!early) {
    throw new Failure('usage', 'the Dockerfile has no FROM', {
      where: file,
      next: 'begin a stage with FROM IMAGE, or with FROM scratch',
    });
  }
}

function problemOf({ keyword, words, trigger }: Instruction): string | undefined {
  if (!keywords.has(keyword)) return `unknown instruction ${keyword}`;
  if (words.length === 0) return `${keyword} without arguments`;
  if (keyword === 'FROM' && words.length !== 1 && (words.length !== 3 || words[1]?.toLowerCase() !== 'as')) {
    return 'FROM takes one image, or IMAGE AS NAME';
  }
  if ((keyword === 'COPY' || keyword === 'ADD') && words.length < 2) {
    return `${keyword} needs a source and a destination`;
  }
  return trigger && problemOf(trigger);
}

function failureAt({ keyword, line, column, text }: Instruction, problem: string, file: string): Failure {
  const near = keywords.has(keyword) ? undefined : nearest(keyword, [...keywords]);
  return new Failure('usage', `the Dockerfile can't be built: ${problem}`, {
    where: formatPosition({ file, line, column }),
    detail: text,
    next: near ? `did you mean ${near}?` : 'correct the line',
  });
}
