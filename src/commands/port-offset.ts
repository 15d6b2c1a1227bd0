import { Flags } from '@oclif/core';

/** `--port-offset`: a second session of the same project beside the first. */
export const portOffset = Flags.integer({
  description: 'added to every local port that the config fixes',
  helpValue: 'N',
  default: 0,
});
