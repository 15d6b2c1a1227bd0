import { join } from 'node:path';
import { AppliedMemory } from '../deploy/applied-memory.ts';
import { stateFolderOf } from '../lib/state-folder.ts';
import type { Project } from '../project.ts';

/** What sessions of a project remember of what they applied. */
export function openAppliedMemory({ root }: Project): Promise<AppliedMemory> {
  return AppliedMemory.open(join(stateFolderOf(root), 'applied.json'));
}
