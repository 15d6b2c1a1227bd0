import { configSource, stampConfig } from '../manifests/config-hash.ts';
import { type KubeObject, keyOf, type ObjectId } from '../objects.ts';
import type { Project } from '../project.ts';

interface Staged {
  readonly object: KubeObject;
  readonly stage: number;
  /** Whose image it runs. */
  readonly services: readonly string[];
}

/**
 * @returns the objects with a hash of what their pods use of the project's ConfigMaps and Secrets in their templates, unless
 * the config turns that off. A ConfigMap of a later stage does not count: pods of an earlier one would start before it.
 */
export function restartOnConfig<T extends Staged>(
  objects: readonly T[],
  project: Project,
): readonly (T & { readonly uses?: readonly ObjectId[] })[] {
  const { cluster, podTemplates } = project;
  const sources = new Map(
    objects.flatMap(({ object, stage }) => {
      const source = configSource(object, cluster.namespace);
      return source ? [[keyOf(source.id), { source, stage }] as const] : [];
    }),
  );
  if (sources.size === 0) return objects;
  return objects.map((planned) => {
    if (!restarts(planned, project)) return planned;
    const find = (id: ObjectId) => {
      const found = sources.get(keyOf(id));
      return found && found.stage <= planned.stage ? found.source : undefined;
    };
    return { ...planned, ...stampConfig(planned.object, find, cluster.namespace, podTemplates) };
  });
}

/** A workload of several services restarts when all of them may. */
function restarts({ services }: Staged, project: Project): boolean {
  if (services.length === 0) return project.restartOnConfigChange;
  return project.services.every(({ name, restartOnConfigChange }) => !services.includes(name) || restartOnConfigChange);
}
