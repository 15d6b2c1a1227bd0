import { type ContextRules, readContext } from '../context/read-context.ts';
import { type Failure, Failures } from '../errors.ts';
import { badSecrets } from '../manifests/bad-secrets.ts';
import { imagesOf, pulledImagesOf, repositoryOf, usersOf } from '../manifests/images.ts';
import { joinInputs, type RenderInputs } from '../manifests/render-inputs.ts';
import { overrideForDev } from '../manifests/override-for-dev.ts';
import { own, type Owner } from '../manifests/own.ts';
import type { RenderMemory } from '../manifests/render-memory.ts';
import { render } from '../manifests/render.ts';
import type { KubeObject, ObjectId } from '../objects.ts';
import type { Build, PodTemplatePlace, Project, Service } from '../project.ts';
import { allOrFailures } from './all-or-failures.ts';
import { restartOnConfig } from './restart-on-config.ts';
import { unusedImages } from './unused-images.ts';
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
  /** ConfigMaps and Secrets of the project whose change replaces its pods: a hash of what they use is in their template. */
  readonly uses?: readonly ObjectId[];
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
  /** Of a session that plans again and again. */
  readonly renders?: RenderMemory | undefined;
}

/** @throws Failures of kind `usage`, every one that can be found before anything is written; AbortError. */
export async function makePlan(options: PlanOptions): Promise<Plan> {
  const { project, mode, owner, selection, env, signal, known, renders } = options;
  const [steps, contexts] = await allOrFailures([
    render(project.deploy, {
      root: project.root,
      namespace: project.cluster.namespace,
      signal,
      env,
      memory: renders,
    }),
    known
      ? Promise.resolve(known)
      : allOrFailures<readonly Omit<PlannedService, 'selected'>[]>(
          project.services.map((each) => planService(each, mode)),
        ),
  ]);
  const { podTemplates } = project;
  const rendered = steps.flatMap(({ objects }) => objects);
  const raw = rendered.map(({ object }) => object);
  refuseAll([
    ...(await badSecrets(rendered)),
    ...unusedImages(project, rendered),
    ...unknownNames(selection, project, raw),
  ]);
  const services = contexts.map((planned) => ({
    ...planned,
    selected: isSelected(planned.service, selection, raw, podTemplates),
  }));
  let stage = 0;
  const planned = steps.flatMap((step) => {
    const current = stage;
    if (step.step.wait) stage++;
    return step.objects.map(({ object, where, pinpoint }) => ({
      object: own(
        mode === 'dev' ? overrideForDev(object, project.services, podTemplates) : object,
        owner,
        podTemplates,
      ),
      where,
      pinpoint,
      stage: current,
      services: servicesOf(object, project),
    }));
  });
  const objects = restartOnConfig(planned, project);
  const stages = 1 + Math.max(0, ...objects.map((object) => object.stage));
  return { project, mode, services, objects, stages, inputs: joinInputs(steps.map((step) => step.inputs)) };
}

/** Reads a service's Dockerfile and ignore file again. @throws Failure `usage` with the position. */
export async function planService(service: Service, mode: Mode): Promise<Omit<PlannedService, 'selected'>> {
  const target = mode === 'dev' ? (service.dev.target ?? service.build.target) : service.build.target;
  const build = { ...service.build, target };
  return { service, build, rules: await readContext(build) };
}

/** @returns the names of the services whose image an object's pods run or mount. */
function servicesOf(object: KubeObject, { services, podTemplates }: Project): readonly string[] {
  const used = new Set(pulledImagesOf(object, podTemplates).map(({ image }) => repositoryOf(image)));
  return services.filter(({ image }) => used.has(repositoryOf(image))).map(({ name }) => name);
}

function unknownNames(
  names: readonly string[],
  { services, podTemplates }: Project,
  objects: readonly KubeObject[],
): Failure[] {
  const workloads = objects.filter((object) => runsPods(object, podTemplates)).map(({ metadata }) => metadata.name);
  return unknownSources(names, [...services.map(({ name }) => name), ...workloads]);
}

function isSelected(
  service: Service,
  selection: readonly string[],
  objects: readonly KubeObject[],
  places: readonly PodTemplatePlace[],
): boolean {
  if (selection.length === 0 || selection.includes(service.name)) return true;
  return usersOf(service.image, objects, places).some(({ metadata }) => selection.includes(metadata.name));
}

/** @returns whether an object makes pods. */
function runsPods(object: KubeObject, places: readonly PodTemplatePlace[]): boolean {
  return imagesOf(object, places).length > 0;
}

function refuseAll(failures: readonly Failure[]): void {
  const [first, ...rest] = failures;
  if (first) throw new Failures([first, ...rest]);
}
