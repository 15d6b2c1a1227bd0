import { Flags } from '@oclif/core';

/** Of every command that shows log lines. */
export const logFlags = {
  'show-secrets': Flags.boolean({ description: "do not mask the values of the project's Secrets" }),
};
