import { connectEngine } from '../engine/connect-engine.ts';
import { Failure, Failures } from '../errors.ts';
import { buildService } from '../images/build-service.ts';
import { planProject, type UpOptions } from './project-up.ts';
import { openWorkshop } from './workshop.ts';

/**
 * Builds the images of the selected services, all of them even when one fails.
 *
 * @returns the id of each service's image. @throws Failures of kind `build`; AbortError.
 */
export async function buildProject(options: UpOptions): Promise<Readonly<Record<string, string>>> {
  const { project, env, report, signal } = options;
  const plan = await planProject(options, 'run');
  await using engine = connectEngine(env);
  await engine.ping(signal);
  const { images, hashes } = await openWorkshop(project, report);
  const selected = plan.services.filter((planned) => planned.selected);
  const results = await Promise.allSettled(
    selected.map(async ({ service, build, rules }) => {
      const built = await buildService({
        engine,
        service,
        build,
        rules,
        images,
        hashes,
        because: 'to build',
        report,
        signal,
      });
      return [service.name, built.id] as const;
    }),
  );
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  const other = failures.find((error) => !(error instanceof Failure));
  if (other) throw other;
  const [first, ...rest] = failures as Failure[];
  if (first) throw new Failures([first, ...rest]);
  return Object.fromEntries(results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])));
}
