import type { KubeObject } from '../objects.ts';
import type { DevOverrides, PodTemplatePlace, Service } from '../project.ts';
import { repositoryOf } from './images.ts';
import { mapContainers } from './pod-template.ts';
import type { RawContainer } from './pod-template.ts';

/**
 * @returns the object with `dev` of each service laid over the containers that run its image: `command` replaces the
 * entrypoint together with the manifest's `args`, which were meant for the old one; `env` is merged by name.
 * Left alone is what has to end: init containers, Jobs and CronJobs of the same image (a migration) never finish as a
 * watching dev server.
 */
export function overrideForDev(
  object: KubeObject,
  services: readonly Service[],
  places: readonly PodTemplatePlace[] = [],
): KubeObject {
  if (object.kind === 'Job' || object.kind === 'CronJob') return object;
  const overrides = new Map(services.map((service) => [repositoryOf(service.image), service.dev]));
  return mapContainers(object, places, (container, list) => {
    const dev = overrides.get(repositoryOf(container.image ?? ''));
    return dev && list === 'containers' ? override(container, dev) : container;
  });
}

function override(container: RawContainer, { command, args, env }: DevOverrides): RawContainer {
  const next: Record<string, unknown> & RawContainer = { ...container };
  if (command) {
    next['command'] = command;
    delete next['args'];
  }
  if (args) next['args'] = args;
  if (Object.keys(env).length > 0) next['env'] = mergeEnv(container['env'], env);
  return next;
}

/** A variable that is there keeps its place, since later ones may refer to it as `$(NAME)`. */
function mergeEnv(current: unknown, env: Readonly<Record<string, string>>): readonly unknown[] {
  const left = new Map(Object.entries(env));
  const merged: unknown[] = (Array.isArray(current) ? current : []).map((entry: unknown) => {
    const name = (entry as { name?: string } | null)?.name ?? '';
    const value = left.get(name);
    if (value === undefined) return entry;
    left.delete(name);
    return { name, value };
  });
  return [...merged, ...[...left].map(([name, value]) => ({ name, value }))];
}
