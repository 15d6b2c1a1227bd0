import type { Plan } from '../up/plan.ts';
import type { Ground } from './decide.ts';

/** @returns what `decide` and the watch hold paths against: of the services, those that the command line asked for. */
export function groundOf({ services, inputs }: Plan, configFiles: readonly string[]): Ground {
  return {
    config: configFiles,
    manifests: inputs,
    services: services
      .filter(({ selected }) => selected)
      .map(({ service, rules }) => ({ name: service.name, rules, sync: service.sync })),
  };
}
