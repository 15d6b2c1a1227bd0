import type { Instruction } from './parse-dockerfile.ts';
import type { Stage } from './stages.ts';

/** What a Dockerfile says of how its image starts; what only the base image says is not known here. */
export interface StartCommand {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

/**
 * Follows ENTRYPOINT and CMD from the stage that is FROM an image to the target. An ENTRYPOINT drops the CMD of the stages
 * before its own (https://docs.docker.com/reference/dockerfile/#understand-how-cmd-and-entrypoint-interact).
 *
 * @returns both empty where nothing says it, or only the build knows which stage it is.
 */
export function startCommandOf(stages: readonly Stage[], target: Stage): StartCommand {
  const [parent, ...others] = target.parents;
  const before = parent === undefined || others.length > 0 ? undefined : stages[parent];
  const inherited = before ? startCommandOf(stages, before) : { entrypoint: [], command: [] };
  const entrypoint = lastOf(target.instructions, 'ENTRYPOINT');
  const command = lastOf(target.instructions, 'CMD');
  return {
    entrypoint: entrypoint ?? inherited.entrypoint,
    command: command ?? (entrypoint ? [] : inherited.command),
  };
}

function lastOf(instructions: readonly Instruction[], keyword: string): readonly string[] | undefined {
  const last = instructions.findLast((instruction) => instruction.keyword === keyword);
  if (!last) return undefined;
  const isJson = last.rest.startsWith('[') && last.words[0]?.startsWith('[') !== true;
  return isJson ? last.words : ['/bin/sh', '-c', last.rest];
}
