import type { Reporter } from '../events.ts';
import { idOf } from '../objects.ts';
import type { ApplyLoop } from '../up/apply-loop.ts';
import type { Plan } from '../up/plan.ts';

/** Reports what a session looks after. */
export function tellServices({ services, objects }: Plan, report: Reporter): void {
  report({
    type: 'session.services',
    services: services.map(({ service: { name }, selected }) => ({
      name,
      selected,
      objects: objects.filter((planned) => planned.services.includes(name)).map(({ object }) => idOf(object)),
    })),
  });
}

/** What could not be built or shipped has no part in being ready, and nobody should think it has. */
export function tellMissing(apply: Pick<ApplyLoop, 'plan' | 'imageOf'>, report: Reporter): void {
  for (const { service } of apply.plan.services)
    if (apply.imageOf(service.name) === undefined)
      report({
        type: 'warning',
        service: service.name,
        text: 'not brought up: it has no image',
        next: 'mend what failed and save: it is built and deployed then',
      });
}
