import { createApplier } from '../../../src/deploy/applier.ts';
import { applySetId } from '../../../src/deploy/apply-set.ts';
import { readIdentity } from '../../../src/deploy/identity.ts';
import type { Report } from '../../../src/events.ts';
import type { KubeRequest } from '../../../src/kube/kube.ts';
import type { Project, Service } from '../../../src/project.ts';
import { ApplyLoop } from '../../../src/up/apply-loop.ts';
import { never } from '../../../src/lib/abort.ts';
import { makePlan, type Mode, type Plan } from '../../../src/up/plan.ts';
import { serviceOf } from '../../support/context-folder.ts';
import type { FakeKube } from '../../support/fake-kube.ts';
import { projectWith } from '../../support/project.ts';
import { ScratchTree } from '../sync/container-folder.ts';

/** A project on disk: `service` and `manifest` write it, `plan` reads it. */
export class ProjectFolder implements Disposable {
  readonly tree = new ScratchTree();
  readonly services: Service[] = [];
  /** The globs of the steps, and whether each is waited for. */
  steps: readonly { readonly glob: string; readonly wait: boolean }[] = [{ glob: 'k8s/*.yaml', wait: false }];

  podTemplates: Project['podTemplates'] = [];
  restartOnConfigChange = true;

  service(name: string, image = `storm/${name}`, more: Partial<Service> = {}): Service {
    this.tree.write(`${name}/Dockerfile`, 'FROM alpine AS production\nCOPY . /app\nFROM production AS development\n');
    const context = this.tree.at(name);
    const dockerfile = `${context}/Dockerfile`;
    const build = { context, dockerfile, target: undefined, args: {}, network: undefined };
    const service = { ...serviceOf(name, image, build), ...more };
    this.services.push(service);
    return service;
  }

  manifest(file: string, text: string): void {
    this.tree.write(`k8s/${file}`, text);
  }

  get project(): Project {
    const at = { file: 'stormctl.yaml', line: 1, column: 1 };
    return projectWith({
      file: this.tree.at('stormctl.yaml'),
      root: this.tree.path,
      services: this.services,
      deploy: this.steps.map(({ glob, wait }) => ({ kind: 'manifests', globs: [glob], wait, at })),
      podTemplates: this.podTemplates,
      restartOnConfigChange: this.restartOnConfigChange,
    });
  }

  plan(options: { readonly mode?: Mode; readonly selection?: readonly string[] } = {}): Promise<Plan> {
    const owner = { project: 'storm', applySetId: applySetId({ name: 'storm', namespace: 'storm' }) };
    return makePlan({ project: this.project, mode: 'run', owner, selection: [], env: {}, signal: never, ...options });
  }

  [Symbol.dispose](): void {
    this.tree[Symbol.dispose]();
  }
}

export function workload(kind: string, name: string, image: string): string {
  return `apiVersion: ${kind === 'Job' ? 'batch/v1' : 'apps/v1'}
kind: ${kind}
metadata: { name: ${name} }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec: { containers: [{ name: main, image: '${image}' }] }
`;
}

export function configMap(name: string, value = 'one'): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { value: ${value} }\n`;
}

export async function applyLoopOn(kube: FakeKube, plan: Plan, reports: Report[] = []): Promise<ApplyLoop> {
  const { project } = plan;
  const report = (one: Report) => reports.push(one);
  const applier = createApplier({ kube, project, identity: await readIdentity(kube), report });
  return new ApplyLoop({ applier, plan, signal: never });
}

/** A project of `web-service`, whose workload is `web`, and a database, all applied. */
export async function appliedWeb(
  kube: FakeKube,
): Promise<{ readonly folder: ProjectFolder; readonly loop: ApplyLoop }> {
  const folder = new ProjectFolder();
  folder.service('web-service', 'storm/web');
  folder.manifest('web.yaml', workload('Deployment', 'web', 'storm/web'));
  folder.manifest('db.yaml', workload('Deployment', 'db', 'postgres:15'));
  const loop = await applyLoopOn(kube, await folder.plan());
  loop.setImage('web-service', 'storm/web:stormctl-0123456789ab');
  loop.openStage(0);
  await loop.apply();
  return { folder, loop };
}

/** What was applied of the project, as `kind/name`, in order; not its inventory. */
export function patched(requests: readonly KubeRequest[]): readonly string[] {
  return requests
    .filter(({ method, path }) => method === 'PATCH' && !path.endsWith('/stormctl-storm'))
    .map(({ path }) => path.split('/').slice(-2).join('/'));
}
