import { Flags } from '@oclif/core';

/** `-o`, which every command has, with the forms that it knows. */
export function outputFlag(options: readonly string[], description: string) {
  return Flags.string({ char: 'o', description, options: [...options], default: 'text', helpGroup: 'GLOBAL' });
}
