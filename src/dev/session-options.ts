import type { Asked, Drained, ExpectPod } from '../events.ts';
import type { Forwards } from '../forward/open-forwards.ts';
import type { ShownText } from '../logs/exclude.ts';
import type { RenderMemory } from '../manifests/render-memory.ts';
import type { Project } from '../project.ts';
import type { UpOptions } from '../up/plan-project.ts';
import type { Desk } from './desk.ts';
import type { Remotes } from './remotes.ts';
import type { Restraints } from './restraints.ts';
import type { ToldLogs } from './told-logs.ts';

/** What `stormctl dev` is asked for. */
export interface SessionOptions extends Omit<UpOptions, 'project'> {
  /** Reads the project again, as it is on disk now. @throws Failure `usage`. */
  readonly load: () => Promise<Project>;
  readonly drained: Drained;
  readonly shown: ShownText;
  readonly expectPod: ExpectPod;
  /** Files besides the manifests whose change means: read the project again. */
  readonly configFiles: (project: Project) => readonly string[];
  /** Tells what a second Ctrl+C would leave, once there is something. */
  readonly leaves: (describe: () => readonly string[]) => void;
  /** What a person asks for while it runs; undefined: nobody sits there. */
  readonly asked: AsyncIterable<Asked> | undefined;
  readonly restraints: Restraints;
  /** Whether fields that others hold are taken from them. */
  readonly forceConflicts: boolean;
}

/** What sessions of one command share. */
export interface Shared extends SessionOptions {
  readonly told: ToldLogs;
  readonly desk: Desk;
  readonly forwards: Forwards;
  readonly renders: RenderMemory;
  readonly remotes: Remotes;
  /** Whether none has applied anything before this one. */
  readonly isFirst: boolean;
}
