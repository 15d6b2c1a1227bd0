import type { Reporter } from '../events.ts';

export interface ClusterOptions {
  readonly report: Reporter;
  readonly signal: AbortSignal;
}
