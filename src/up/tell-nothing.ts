import { basename } from 'node:path';
import type { Reporter } from '../events.ts';
import type { Plan } from './plan.ts';

/** That there is nothing to deploy is no failure: what was deployed before goes. Yet nobody should take it for done. */
export function tellNothing({ objects, project }: Plan, report: Reporter): void {
  if (objects.length > 0) return;
  const file = basename(project.file);
  const isEmpty = project.deploy.length === 0;
  report({
    type: 'warning',
    text: `there is nothing to deploy: ${isEmpty ? `\`deploy\` of ${file} is empty` : 'the manifests hold no object'}`,
    next: isEmpty
      ? `name the manifests there: - manifests: [k8s/*.yaml], - kustomize: FOLDER, or - helm: { chart: FOLDER }`
      : undefined,
  });
}
