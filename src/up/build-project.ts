import { connectEngine } from '../engine/connect-engine.ts';
import { buildService } from '../images/build-service.ts';
import { allOrFailures } from './all-or-failures.ts';
import { maskReports } from './mask-reports.ts';
import { planProject, type UpOptions } from './plan-project.ts';
import { openWorkshop } from './workshop.ts';

/**
 * Builds the images of the selected services, all of them even when one fails.
 *
 * @returns the id of each service's image. @throws Failures of kind `build`; AbortError.
 */
export async function buildProject(options: UpOptions): Promise<Readonly<Record<string, string>>> {
  const { project, env, signal } = options;
  const report = maskReports(options.report, options.mask);
  const plan = await planProject(options, 'run');
  await using engine = connectEngine(env);
  await engine.ping(signal);
  const workshop = await openWorkshop(project, report);
  const selected = plan.services.filter((planned) => planned.selected);
  const built = await allOrFailures(
    selected.map(async ({ service, build, rules }) => {
      const request = { ...workshop, engine, service, build, rules, because: 'as asked', signal };
      return [service.name, (await buildService(request)).id] as const;
    }),
  );
  return Object.fromEntries(built);
}
