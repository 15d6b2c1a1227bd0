import { Failure } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { nearest } from '../lib/nearest.ts';
import type { Project } from '../project.ts';

/** What a person switched off on the command line: for every service, or for some. */
export interface Restraints {
  readonly sync: Restraint;
  readonly build: Restraint;
  /** Nothing is watched: the project is deployed, forwarded and tailed. */
  readonly watch: boolean;
}

export type Restraint = 'none' | 'all' | readonly string[];

/** @returns the project without the sync rules that were switched off: their files rebuild. @throws Failure `usage`. */
export function restrain(project: Project, { sync, build }: Restraints): Project {
  const names = project.services.map(({ name }) => name);
  for (const name of [sync, build].flatMap((restraint) => (typeof restraint === 'string' ? [] : restraint)))
    if (!names.includes(name)) throw unknownService(name, names);
  const services = project.services.map((service) =>
    isRestrained(sync, service.name) ? { ...service, sync: [], autoSync: false } : service,
  );
  return { ...project, services };
}

/** @returns for each service whether, and why, a change of it waits until a person asks. */
export function holdsOf(
  { services }: Project,
  { build }: Restraints,
): (service: string, action: 'sync' | 'rebuild') => string | undefined {
  const manual = new Set(services.filter(({ trigger }) => trigger === 'manual').map(({ name }) => name));
  return (service, action) => {
    if (manual.has(service)) return 'trigger: manual';
    return action === 'rebuild' && isRestrained(build, service) ? '--no-build' : undefined;
  };
}

/** Says once what a session that was restrained does otherwise. */
export function tellRestraints({ sync, build, watch }: Restraints, report: Reporter): void {
  const whose = (restraint: Restraint) => (typeof restraint === 'string' ? '' : ` of ${restraint.join(', ')}`);
  const note = (text: string) => report({ type: 'note', text });
  if (!watch) return note('--no-watch: files are not watched, and a save does nothing');
  if (sync !== 'none') note(`--no-sync: files${whose(sync)} that a sync rule covers rebuild`);
  if (build !== 'none') note(`--no-build: changed files${whose(build)} that need a build wait until it is asked for`);
}

function isRestrained(restraint: Restraint, service: string): boolean {
  return restraint === 'all' || (restraint !== 'none' && restraint.includes(service));
}

function unknownService(name: string, names: readonly string[]): Failure {
  const near = nearest(name, names);
  return new Failure('usage', `there is no service ${name}`, {
    next: near === undefined ? `there are ${names.join(', ')}` : `did you mean ${near}?`,
  });
}
