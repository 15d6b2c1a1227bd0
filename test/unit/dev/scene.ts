import { EventEmitter, once } from 'node:events';
import { createApplier } from '../../../src/deploy/applier.ts';
import { applySetId } from '../../../src/deploy/apply-set.ts';
import { readIdentity } from '../../../src/deploy/identity.ts';
import { groundOf } from '../../../src/dev/ground.ts';
import { DevLoop } from '../../../src/dev/loop.ts';
import { Outages } from '../../../src/dev/outages.ts';
import { ServiceSync } from '../../../src/dev/service-sync.ts';
import { tellFailure } from '../../../src/dev/tell-failure.ts';
import { watchRoots } from '../../../src/dev/watch-roots.ts';
import type { Asked, Report } from '../../../src/events.ts';
import { Scope } from '../../../src/lib/scope.ts';
import { projectLabel } from '../../../src/objects.ts';
import { openPodView } from '../../../src/pods/pod-view.ts';
import type { AfterSync, Project, Service } from '../../../src/project.ts';
import { ApplyLoop } from '../../../src/up/apply-loop.ts';
import { makePlan, type PlannedService } from '../../../src/up/plan.ts';
import { watchFiles } from '../../../src/watch/watch-files.ts';
import { serviceOf } from '../../support/context-folder.ts';
import { LocalExec, type LocalExecOptions } from '../../support/local-exec.ts';
import { ScratchTree } from '../sync/container-folder.ts';
import { noRecord } from '../../support/no-record.ts';
import { projectWith } from '../../support/project.ts';
import { PlayingKube } from './playing-kube.ts';

export interface Built {
  readonly service: string;
  readonly because: string;
  readonly signal: AbortSignal;
  readonly finish: (pinned: string) => void;
  readonly fail: (error: unknown) => void;
}

export const deployment = (name: string, image: string, label = name) => `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, labels: { as: ${label} } }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec: { containers: [{ name: main, image: ${image} }] }
`;

export interface SceneOptions {
  /** Steps of `deploy`: one glob each, with `wait`. Default: `infra/*.yaml`. */
  readonly steps?: readonly string[];
  readonly selection?: readonly string[];
  /** Of `web`. */
  readonly afterSync?: AfterSync;
  readonly restoreNamespace?: boolean;
}

/** A project of two services, `web` and `api`, on disk; its session's loop on a cluster that plays along; builds by hand. */
export class DevScene implements AsyncDisposable {
  readonly local = new ScratchTree();
  readonly remote = new ScratchTree();
  readonly exec: LocalExec;
  readonly kube: PlayingKube;
  readonly reports: Report[] = [];
  readonly builds: Built[] = [];
  readonly #news = new EventEmitter().setMaxListeners(0);
  readonly #abort = new AbortController();
  readonly #scope = new Scope();
  holds: (service: string, action: 'sync' | 'rebuild') => string | undefined = () => undefined;
  /** How often everything was to be rendered again. */
  renders = 0;
  restart: (service: string) => Promise<void> = () => Promise.reject(new Error('no restart was expected'));
  reconfigure: () => Promise<Project | undefined> = () => Promise.reject(new Error('no reload was expected'));
  #loop: DevLoop | undefined;
  #ended: Promise<Project> | undefined;

  /** @param container what its containers are like. */
  constructor(container: LocalExecOptions = {}) {
    this.exec = new LocalExec(container);
    this.kube = new PlayingKube(this.exec.exec);
    this.kube.onRequest = () => this.#news.emit('news');
    for (const name of ['web', 'api']) {
      this.local.write(`${name}/Dockerfile`, 'FROM alpine\nCOPY src /src\n');
      this.local.write(`${name}/src/main.txt`, 'one');
      this.local.write(`infra/${name}.yaml`, deployment(name, `storm/${name}`));
    }
    this.local.write('infra/db.yaml', deployment('db', 'postgres:15'));
    this.local.write('stormctl.yaml');
  }

  get project(): Project {
    return this.#project;
  }

  #project = projectAt(this.local.path, this.remote.at('app'), ['infra/*.yaml']);

  async start({
    steps = ['infra/*.yaml'],
    selection = [],
    afterSync,
    restoreNamespace = true,
  }: SceneOptions = {}): Promise<void> {
    this.#project = { ...projectAt(this.local.path, this.remote.at('app'), steps, afterSync), restoreNamespace };
    const project = this.#project;
    const { kube } = this;
    const owner = { project: project.name, applySetId: applySetId({ name: project.name, namespace: 'storm' }) };
    const planFor = (signal: AbortSignal, known?: readonly PlannedService[]) =>
      makePlan({ project, mode: 'dev', owner, selection, env: {}, signal, known });
    const { signal } = this.#abort;
    const report = (report: Report) => {
      this.reports.push(report);
      this.#news.emit('news');
    };
    const plan = await planFor(signal);
    const configFiles = [project.file];
    const watch = this.#scope.own(
      watchFiles({
        roots: watchRoots(groundOf(plan, configFiles)),
        signal,
        onProblem: (failure) => tellFailure(report, failure),
      }),
    );
    await watch.ready;
    const view = this.#scope.own(
      openPodView({ kube, namespaces: ['storm'], labelSelector: `${projectLabel}=storm`, signal: this.#scope.signal }),
    );
    const applier = createApplier({ kube, project, identity: await readIdentity(kube), report });
    const apply = new ApplyLoop({ applier, plan, signal });
    const loop = new DevLoop(
      {
        site: { kube },
        apply,
        sync: this.#scope.own(new ServiceSync({ kube, view, apply, record: noRecord })),
        view,
        watch,
        outages: new Outages(report),
        report,
        configFiles,
        deliver: (planned, because, abort) => this.#deliver(planned, because, abort),
        replan: (services, abort) => planFor(abort, services),
        renderAnew: () => {
          this.renders += 1;
        },
        onPlanned: () => Promise.resolve(),
        reconfigure: () => this.reconfigure(),
        holds: this.holds,
        isAttended: true,
        unwatched: undefined,
        restart: (service) => this.restart(service),
        openUrl: () => Promise.resolve(),
        startedAt: performance.now(),
        onReady: () => report({ type: 'session.ready', ms: 1, urls: [], onExit: '' }),
      },
      signal,
    );
    this.#loop = loop;
    this.#ended = loop.run();
    this.#ended.catch(() => {});
  }

  /** Starts, and finishes the first builds. */
  async startUp(options: SceneOptions = {}): Promise<void> {
    await this.start(options);
    await this.until(() => this.builds.length === 2);
    for (const built of this.builds) built.finish(`storm/${built.service}:one`);
    await this.report('session.ready');
  }

  ask(asked: Asked): void {
    this.#loop?.ask(asked);
  }

  /** Ends it as Ctrl+C does, and resolves when nothing of the loop runs any more. */
  async end(): Promise<unknown> {
    this.#abort.abort(new Error('Ctrl+C'));
    return this.ended.then(
      () => undefined,
      (error: unknown) => error,
    );
  }

  get ended(): Promise<Project> {
    if (!this.#ended) throw new Error('it was not started');
    return this.#ended;
  }

  /** Resolves when a condition holds that a report, a request or a build makes true. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await once(this.#news, 'news', { signal: AbortSignal.timeout(60_000) });
  }

  /** @returns the nth report of a type, counted from 0, once there is one. */
  async report<T extends Report['type']>(type: T, nth = 0): Promise<Extract<Report, { type: T }>> {
    const all = () => this.reports.filter((report) => report.type === type);
    await this.until(() => all().length > nth);
    return all()[nth] as Extract<Report, { type: T }>;
  }

  /** @returns the nth build of a service, counted from 0, once it was begun. */
  async build(service: string, nth: number): Promise<Built> {
    const all = () => this.builds.filter((built) => built.service === service);
    await this.until(() => all().length > nth);
    return all()[nth] as Built;
  }

  #deliver({ service }: PlannedService, because: string, signal: AbortSignal): Promise<string> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      this.builds.push({ service: service.name, because, signal, finish: resolve, fail: reject });
      this.#news.emit('news');
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort(new Error('the test is over'));
    await this.#ended?.catch(() => {});
    await this.#scope[Symbol.asyncDispose]();
    this.local[Symbol.dispose]();
    this.remote[Symbol.dispose]();
  }
}

function projectAt(root: string, app: string, steps: readonly string[], afterSync?: AfterSync): Project {
  const at = { file: 'stormctl.yaml', line: 1, column: 1 };
  const service = (name: string): Service => {
    const context = `${root}/${name}`;
    const dockerfile = `${context}/Dockerfile`;
    const build = { context, dockerfile, target: undefined, args: {}, network: undefined };
    return serviceOf(name, `storm/${name}`, build);
  };
  const sync = [{ from: 'src/**/*.{txt,js}', base: 'src', to: app, at }];
  return projectWith({
    file: `${root}/stormctl.yaml`,
    root,
    services: [{ ...service('web'), sync, afterSync }, service('api')],
    deploy: steps.map((glob) => ({ kind: 'manifests', globs: [glob], wait: true, at })),
  });
}
