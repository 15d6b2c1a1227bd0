import { type ContextRules, readContext } from '../context/read-context.ts';
import { Failure, Failures, formatPosition } from '../errors.ts';
import { imagesOf, nearestImage, repositoryOf, usersOf } from '../manifests/images.ts';
import { overrideForDev } from '../manifests/override-for-dev.ts';
import { own, type Owner } from '../manifests/own.ts';
import { render, type RenderInputs } from '../manifests/render.ts';
import type { KubeObject } from '../objects.ts';
import type { Build, Project, Service } from '../project.ts';
import { allOrFailures } from './all-or-failures.ts';
import { unknownSources } from './unknown-sources.ts';

/** What is to be built and applied: the project with its manifests rendered and its Dockerfiles read. Writes nothing. */
export interface Plan {
  readonly project: Project;
  readonly mode: Mode;
  readonly services: readonly PlannedService[];
  readonly objects: readonly PlannedObject[];
  /** How many stages there are: a step with `wait` ends one. */
  readonly stages: number;
  readonly inputs: RenderInputs;
}

/** `dev` builds and runs each service with its `dev` overrides, `run` without. */
export type Mode = 'dev' | 'run';

export interface PlannedService {
  readonly service: Service;
  readonly build: Build;
  readonly rules: ContextRules;
  /** Whether the command line asked for it; one that was not asked for is deployed with its last image. */
  readonly selected: boolean;
}

export interface PlannedObject {
  /** Owned and overridden; its images are pinned when they are known. */
  readonly object: KubeObject;
  /** Where the manifest has it: `infra/web.yaml:1:1`. */
  readonly where: string;
  readonly stage: number;
  /** Names of the services whose image it runs. */
  readonly services: readonly string[];
}

export interface PlanOptions {
  readonly project: Project;
  readonly mode: Mode;
  readonly owner: Owner;
  /** Services or workloads; none means all. */
  readonly selection: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** Services whose Dockerfiles were read already; default: they are read. */
  readonly known?: readonly Omit<PlannedService, 'selected'>[] | undefined;
}

/** @throws Failures of kind `usage`, every one that can be found before anything is written; AbortError. */
export async function makePlan(options: PlanOptions): Promise<Plan> {
  const { project, mode, owner, selection, env, signal, known } = options;
  const [steps, contexts] = await allOrFailures([
    render(project.deploy, { root: project.root, signal, env }),
    known
      ? Promise.resolve(known)
      : allOrFailures<readonly Omit<PlannedService, 'selected'>[]>(
          project.services.map((each) => planService(each, mode)),
        ),
  ]);
  const raw = steps.flatMap((step) => step.objects.map(({ object }) => object));
  refuseAll([...unusedImages(project.services, raw), ...unknownNames(selection, project.services, raw)]);
  const services = contexts.map((planned) => ({ ...planned, selected: isSelected(planned.service, selection, raw) }));
  let stage = 0;
  const objects = steps.flatMap((step) => {
    const current = stage;
    if (step.step.wait) stage++;
    return step.objects.map(({ object, where }) => ({
      object: own(mode === 'dev' ? overrideForDev(object, project.services) : object, owner),
      where,
      stage: current,
      services: servicesOf(object, project.services),
    }));
  });
  const stages = 1 + Math.max(0, ...objects.map((object) => object.stage));
  return { project, mode, services, objects, stages, inputs: joinInputs(steps.map((step) => step.inputs)) };
}

function joinInputs(all: readonly RenderInputs[]): RenderInputs {
  return { files: all.flatMap(({ files }) => files), areas: all.flatMap(({ areas }) => areas) };
}

/** Reads a service's Dockerfile and ignore file again. @throws Failure `usage` with the position. */
export async function planService(service: Service, mode: Mode): Promise<Omit<PlannedService, 'selected'>> {
  const target = mode === 'dev' ? (service.dev.target ?? service.build.target) : service.build.target;
  const build = { ...service.build, target };
  return { service, build, rules: await readContext(build) };
}

/** @returns the names of the services whose image an object runs. */
function servicesOf(object: KubeObject, services: readonly Service[]): readonly string[] {
  const used = new Set(imagesOf(object).map(({ image }) => repositoryOf(image)));
  return services.filter(({ image }) => used.has(repositoryOf(image))).map(({ name }) => name);
}

function unusedImages(services: readonly Service[], objects: readonly KubeObject[]): Failure[] {
  return services
    .filter(({ image }) => usersOf(image, objects).length === 0)
    .map(({ name, image, at }) => {
      const near = nearestImage(image, objects);
      return new Failure('usage', `service ${name}: no manifest uses the image ${image}`, {
        where: formatPosition(at),
        next: near
          ? `did you mean ${near}?`
          : 'give the service the image name that its workload has, or add the workload',
      });
    });
}

function unknownNames(
  names: readonly string[],
  services: readonly Service[],
  objects: readonly KubeObject[],
): Failure[] {
  const workloads = objects.filter(runsPods).map(({ metadata }) => metadata.name);
  return unknownSources(names, [...services.map(({ name }) => name), ...workloads]);
}

function isSelected(service: Service, selection: readonly string[], objects: readonly KubeObject[]): boolean {
  if (selection.length === 0 || selection.includes(service.name)) return true;
  return usersOf(service.image, objects).some(({ metadata }) => selection.includes(metadata.name));
}

/** @returns whether an object makes pods. */
function runsPods(object: KubeObject): boolean {
  return imagesOf(object).length > 0;
}

function refuseAll(failures: readonly Failure[]): void {
  const [first, ...rest] = failures;
  if (first) throw new Failures([first, ...rest]);
}
