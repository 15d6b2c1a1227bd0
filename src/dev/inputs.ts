import type { Asked } from '../events.ts';
import type { Project } from '../project.ts';
import type { SyncTarget } from '../sync/sync-target.ts';
import type { SyncOutcome } from '../sync/syncer.ts';
import type { Plan } from '../up/plan.ts';
import type { FileBatch } from '../watch/watch-files.ts';
import type { Work } from './service-state.ts';

/** Everything that can move the loop, as one closed union: a new source of events is a new member here. */
export type Input =
  | { readonly type: 'files'; readonly batch: FileBatch }
  | { readonly type: 'delivered'; readonly service: string; readonly pinned: string; readonly work: Work }
  | { readonly type: 'undelivered'; readonly service: string; readonly error: unknown }
  | { readonly type: 'aborted'; readonly service: string }
  | {
      readonly type: 'synced';
      readonly service: string;
      /** What was to be synced; none: all that a new container lacked. */
      readonly paths: readonly string[];
      readonly outcome: SyncOutcome;
      readonly work: Work;
      readonly containers: readonly SyncTarget[];
    }
  /** A container of the project came, changed or went. */
  | { readonly type: 'pods' }
  /** A person pressed a key for it. */
  | { readonly type: 'asked'; readonly asked: Asked }
  | { readonly type: 'planned'; readonly plan: Plan }
  | { readonly type: 'reconfigured'; readonly project: Project }
  /** Something went wrong that no one service is the owner of; the session as it was goes on. */
  | { readonly type: 'failed'; readonly error: unknown };
