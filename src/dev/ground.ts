import { createMatcher } from '../sync/match-rule.ts';
import type { Plan, PlannedService } from '../up/plan.ts';
import type { Ground, GroundService } from './decide.ts';

/** @returns what `decide` and the watch hold paths against: of the services, those that the command line asked for. */
export function groundOf({ services, inputs }: Plan, configFiles: readonly string[]): Ground {
  return {
    config: configFiles,
    manifests: inputs,
    services: services.filter(({ selected }) => selected).map(groundOfService),
  };
}

export function groundOfService({ service: { name, sync, autoSync }, rules }: PlannedService): GroundService {
  return { name, rules, sync, matcher: createMatcher(sync, rules.ignore), autoSync };
}
