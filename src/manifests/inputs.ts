import { globArea, matchFiles } from '../lib/glob.ts';
import type { DeployStep } from '../project.ts';
import { helmInputs } from './helm-inputs.ts';
import { kustomizeInputs } from './kustomize-inputs.ts';
import type { RenderInputs } from './render-inputs.ts';

/** @returns what the watcher has to watch for a step, also when it can't be rendered now. */
export async function inputsOf(step: DeployStep, root: string): Promise<RenderInputs> {
  switch (step.kind) {
    case 'kustomize':
      return kustomizeInputs(step.folder);
    case 'helm':
      return helmInputs(step);
    case 'manifests': {
      const files = await Promise.all(step.globs.map((glob) => matchFiles(glob, root)));
      return {
        files: [...new Set(files.flat())],
        areas: step.globs.flatMap((glob) => globArea(glob, root) ?? []),
        remote: [],
      };
    }
  }
}
