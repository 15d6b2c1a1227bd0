import { readScripts } from '../context/package-scripts.ts';
import { findProgram, type Program } from '../context/program.ts';
import type { Reporter } from '../events.ts';
import { serviceArgvs } from '../manifests/service-argvs.ts';
import type { Plan } from '../up/plan.ts';

/** Says, once a service, that a program which loads its files when it starts does not run what was just synced. */
export class StalePrograms {
  readonly #report: Reporter;
  readonly #told = new Set<string>();
  /** By service, what its command starts by a plan. */
  readonly #known = new Map<string, { readonly plan: Plan; readonly program: Program | undefined }>();

  constructor(report: Reporter) {
    this.#report = report;
  }

  /** The image of a service is made anew: what starts in it may be something else. */
  rebuilt(name: string): void {
    this.#known.delete(name);
  }

  /** `paths` came into the containers of a service. Reads the package.json that its command may name, once an image. */
  async synced(name: string, paths: readonly string[], plan: Plan): Promise<void> {
    if (this.#told.has(name)) return;
    const program = await this.#programOf(name, plan);
    const path = paths.find((each) => program?.loads.test(each));
    if (!program || path === undefined || this.#told.has(name)) return;
    this.#told.add(name);
    this.#report({
      type: 'warning',
      service: name,
      text: `${path} is in the container, but ${program.name} loads it only when it starts: what runs is older`,
      next: `add \`afterSync: { restart: true }\` to ${name} in stormctl.yaml, or start it with a command that watches (\`dev.command\`)`,
    });
  }

  async #programOf(name: string, plan: Plan): Promise<Program | undefined> {
    const known = this.#known.get(name);
    if (known?.plan === plan) return known.program;
    const program = await loadedOnce(name, plan);
    this.#known.set(name, { plan, program });
    return program;
  }
}

async function loadedOnce(name: string, { services, objects, project }: Plan): Promise<Program | undefined> {
  const planned = services.find(({ service }) => service.name === name);
  if (!planned || planned.service.afterSync) return undefined;
  const { service, build, rules } = planned;
  const scripts = await readScripts(build.context);
  const manifests = objects.map(({ object }) => object);
  for (const argv of serviceArgvs(manifests, service.image, rules.start, project.podTemplates)) {
    const program = findProgram(argv, scripts);
    if (program) return program;
  }
  return undefined;
}
