import type { Reporter } from '../events.ts';
import { idOf } from '../objects.ts';
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
