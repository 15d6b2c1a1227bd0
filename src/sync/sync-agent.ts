import type { AgentLink } from './agent-link.ts';
import type { FileStep } from './file-step.ts';

/** A program that can be kept running in a container to take files there. */
export interface AgentProgram {
  readonly name: string;
  /** Where a container may have its interpreter; the first that is there is taken. */
  readonly interpreters: readonly string[];
  /** What runs in the container, without the interpreter. It says one message when it is ready. */
  readonly args: readonly string[];
  /** @returns the agent; or, in words, why this container can't have it. */
  greet(hello: string, link: AgentLink): SyncAgent | string;
}

/** An agent that runs. It is given one batch at a time. */
export interface SyncAgent {
  /** Whom it runs as: `1000:1000`. */
  readonly user: string;
  /**
   * Takes the steps in their order and resolves when the container has answered for each of them, with what went wrong,
   * or undefined: the file is there with the bytes that were sent, or gone. A file is written beside and renamed, keeps the owner
   * and mode of the one that it takes the place of, and stays inside its root, symbolic links on the way resolved.
   *
   * @throws what the link or the local disk throws; then half a batch is in the container, and the agent of no use.
   */
  apply(steps: readonly FileStep[]): Promise<readonly (AgentError | undefined)[]>;
}

export interface AgentError {
  /** The container's errno (`EACCES`, `EROFS`, `ENOSPC` …), `EOUTSIDE` or `EMISMATCH`. */
  readonly code: string;
  /** In the container's words. */
  readonly message: string;
  /** The nearest folder that exists, and whose it is. */
  readonly owner?: { readonly folder: string; readonly uid: number; readonly gid: number };
}

export const mismatch: AgentError = {
  code: 'EMISMATCH',
  message: 'the container wrote other bytes than were sent',
};
