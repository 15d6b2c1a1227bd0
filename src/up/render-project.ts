import { maskSecrets, renderYaml } from '../manifests/render-yaml.ts';
import { planProject, type UpOptions } from './project-up.ts';

/** @returns the objects of a project as YAML, owned but not pinned: which image a build gives is known once it ran. */
export async function renderProject(options: UpOptions, mask: boolean): Promise<string> {
  const plan = await planProject(options, 'run');
  return renderYaml(plan.objects.map(({ object }) => (mask ? maskSecrets(object) : object)));
}
