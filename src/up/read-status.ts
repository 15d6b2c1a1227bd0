import { LinkedSignal } from '../lib/abort.ts';
import type { ObjectStatus } from '../objects.ts';
import { ToldOutages } from './told-outages.ts';
import { watchStatus, type WatchStatusOptions } from './watch-status.ts';
import type { Unseen } from '../deploy/unseen.ts';
import type { Reporter } from '../events.ts';

/** How long a cluster that goes away in the middle is waited for. */
const awayMs = 10_000;

export interface ReadStatusOptions extends Pick<WatchStatusOptions, 'kube' | 'project' | 'signal'> {
  readonly report: Reporter;
  /** Default: 10 s. */
  readonly awayMs?: number;
}

export interface ProjectStatus {
  /** undefined: nothing is deployed. */
  readonly objects: readonly ObjectStatus[] | undefined;
  /** Kinds of which there may be more, and that the account may not see. */
  readonly unseen: readonly Unseen[];
}

/** @returns what a project has in the cluster, once. @throws as watchStatus. */
export async function readStatus(options: ReadStatusOptions): Promise<ProjectStatus> {
  const { report, signal, ...watched } = options;
  const outages = new ToldOutages(report);
  using link = new LinkedSignal(signal);
  let found: ProjectStatus | undefined;
  let lost: { readonly cause: unknown } | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    return await watchStatus({
      ...watched,
      onStatus: (objects, unseen) => {
        found ??= { objects, unseen };
        link.abort(undefined);
      },
      onLost: (cause) => {
        lost = { cause };
        outages.lost('the cluster', cause);
        timer ??= setTimeout(() => link.abort(undefined), options.awayMs ?? awayMs);
      },
      onBack: () => {
        lost = undefined;
        clearTimeout(timer);
        timer = undefined;
        outages.resumed('the cluster');
      },
      signal: link.signal,
    });
  } catch (error) {
    if (found) return found;
    throw lost && !signal.aborted ? lost.cause : error;
  } finally {
    clearTimeout(timer);
  }
}
