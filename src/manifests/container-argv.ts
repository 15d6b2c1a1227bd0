import type { RawContainer } from './pod-template.ts';

/**
 * @returns what a container runs, by the pod's `command` and `args` or else by its image.
 * https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/
 */
export function argvOf(
  container: RawContainer,
  { entrypoint, command }: { readonly entrypoint: readonly string[]; readonly command: readonly string[] },
): readonly string[] {
  const given = { command: listOf(container['command']), args: listOf(container['args']) };
  if (given.command.length > 0) return [...given.command, ...given.args];
  const args = given.args.length > 0 ? given.args : command.map(literally);
  return [...entrypoint.map(literally), ...args];
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

/** The kubelet replaces `$(NAME)` in a pod's words, and not in those of an image. */
function literally(word: string): string {
  return word.replaceAll('$', '$$$$');
}
