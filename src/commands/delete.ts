import { Flags } from '@oclif/core';
import { deleteProject } from '../deploy/delete-project.ts';
import type { Whose } from '../deploy/guard.ts';
import { findOtherProjects } from '../deploy/other-projects.ts';
import { type DeletePlan, planDelete, type SurveyOptions } from '../deploy/plan-delete.ts';
import { plainUnseen, warnOfUnseen } from '../deploy/unseen.ts';
import { exitCodes, Failure, Failures } from '../errors.ts';
import type { Report } from '../events.ts';
import { formatId, formatPlaced, type ObjectId } from '../objects.ts';
import { holdCluster } from '../up/hold-cluster.ts';
import { openCluster } from '../up/site.ts';
import { BaseCommand, type Invocation } from './base-command.ts';
import { ask, askForWord, named, nameOf, refuseUnattended, table, whereRows } from './confirm.ts';
import { load, readNamespace } from './load.ts';

/** What is to be deleted, by the config or by the command line alone. */
interface Doomed extends Whose {
  readonly name: string;
  readonly environment: string | undefined;
  readonly confirm: boolean;
  readonly timeoutMs: number | undefined;
}

export class Delete extends BaseCommand<typeof Delete> {
  static override summary = 'Delete what the project applied, and wait until it is gone.';
  static override description =
    `What it applied stands in its inventory in the cluster; nothing else is touched. Volumes, namespaces \
and definitions stay unless they are asked for. With --name and --namespace no config is read.`;
  static override examples = [
    '<%= config.bin %> delete',
    '<%= config.bin %> delete --volumes --namespaces --dry-run',
    '<%= config.bin %> delete --name storm --namespace storm --context k3d-storm',
  ];
  static override flags = {
    volumes: Flags.boolean({ description: 'delete claims and volumes too, and the data in them' }),
    namespaces: Flags.boolean({ description: 'delete the namespaces that stormctl made too' }),
    crds: Flags.boolean({
      description: 'delete its definitions (CRDs) too, if nobody else has objects of their kinds',
    }),
    'dry-run': Flags.boolean({ description: 'say what would go and what would be kept, and write nothing' }),
    name: Flags.string({
      description: 'the project, when its config is gone; needs --namespace',
      helpValue: 'NAME',
    }),
  };

  protected async execute(invocation: Invocation): Promise<number> {
    const { options, terminal, signal, env } = invocation;
    const { report } = terminal;
    const project = await this.#read(invocation);
    const opened = await openCluster({ project, context: options.context, env, report, signal });
    await using _ = opened.kube;
    const { target } = opened.kube;
    const ref = { name: project.name, namespace: project.cluster.namespace };
    const { volumes, namespaces, crds } = this.flags;
    const survey: SurveyOptions = { kube: opened.kube, ...ref, volumes, namespaces, crds, signal };
    if (this.flags['dry-run']) return await tellPlan(invocation, survey, await planDelete(survey));
    const isNamed = project.file === undefined && !opened.isLocal;
    if (!options.yes && (isNamed || project.confirm)) {
      refuseUnattended(invocation, `delete of ${project.name} on ${target.context} is to be confirmed`);
      const { goes, kept } = await planDelete(survey);
      if (goes.length > 0) {
        const rows = [
          ...whereRows(target, ref.namespace),
          ['deletes', counted(goes)] as const,
          ['', named(goes)] as const,
          ...keptRows(kept),
        ];
        const lines = [`stormctl delete takes ${nameOf(project)} away`, ...table(rows)];
        await (isNamed ? askForWord(invocation, lines, project.name) : ask(invocation, lines));
      }
    }
    await using held = await holdCluster(opened, { ref, command: 'delete', makesNamespace: false, report, signal });
    return await this.#delete(invocation, { ...survey, kube: held.kube }, project.timeoutMs);
  }

  async #delete(
    { terminal, tells }: Invocation,
    survey: SurveyOptions,
    timeoutMs: number | undefined,
  ): Promise<number> {
    const gone: ObjectId[] = [];
    tells(() => ({ deleted: gone }));
    const report = (each: Report) => {
      if (each.type === 'deploy.deleted') gone.push(each.object);
      terminal.report(each);
    };
    const { deleted, kept, left, unseen } = await deleteProject({ ...survey, timeoutMs, report });
    if (left.length > 0)
      throw new Failure('notReady', `could not delete ${left.map(({ id }) => formatId(id)).join(', ')}`, {
        detail: left.map(({ id, because }) => `${formatId(id)}: ${because}`).join('\n'),
        next: 'mend that, and run it again',
      });
    const others = deleted.length + kept.length + unseen.length > 0 ? undefined : await whatIsThere(survey);
    const text = deleted.length === 0 ? nothing(survey, others) : `deleted ${deleted.length}, kept ${kept.length}`;
    terminal.result(text, { deleted, kept, unseen: plainUnseen(unseen), ...others });
    return exitCodes.done;
  }

  async #read(invocation: Invocation): Promise<Doomed> {
    const { name } = this.flags;
    const { context, timeoutMs } = invocation.options;
    const namespace = readNamespace(invocation.options);
    if (name === undefined)
      return load(invocation, [], false).catch((error: unknown) => Promise.reject(withoutConfig(error)));
    if (namespace === undefined)
      throw new Failure('usage', '--name needs --namespace: the inventory lies in the project’s namespace', {
        next: `find it: kubectl get configmaps -A -l stormctl.dev/project=${name}`,
      });
    return {
      name,
      environment: undefined,
      confirm: false,
      timeoutMs,
      file: undefined,
      cluster: { context, namespace, create: undefined },
    };
  }
}

async function tellPlan({ terminal }: Invocation, survey: SurveyOptions, plan: DeletePlan): Promise<number> {
  const { goes, kept, unseen } = plan;
  const others = goes.length + kept.length + unseen.length > 0 ? undefined : await whatIsThere(survey);
  for (const warning of warnOfUnseen(unseen, 'nothing of it would be deleted')) terminal.remark(warning);
  const lines = [
    ...goes.map((id) => `would delete ${formatPlaced(id)}`),
    ...kept.map(({ id, because }) => `would keep ${formatPlaced(id)}: ${because}`),
  ];
  const text = goes.length === 0 ? [nothing(survey, others)] : [];
  terminal.result([...lines, ...text].join('\n'), {
    dryRun: true,
    wouldDelete: goes,
    wouldKeep: kept,
    unseen: plainUnseen(unseen),
    ...others,
  });
  return exitCodes.done;
}

/** What a name or a namespace that is mistaken may have meant: the projects here, and the namespaces with one of that name. */
async function whatIsThere({ kube, name, namespace, signal }: SurveyOptions) {
  const { here, elsewhere, near } = await findOtherProjects(kube, { name, namespace }, signal);
  return { projects: here, namespaces: elsewhere, near };
}

/** Whether it was deleted before or never was nobody can tell: both are done. */
function nothing(
  { name, namespace }: SurveyOptions,
  others: Awaited<ReturnType<typeof whatIsThere>> | undefined,
): string {
  const { projects = [], namespaces = [], near } = others ?? {};
  const here = projects.length > 0 ? [`in ${namespace} there is no project ${name}, but ${projects.join(', ')}`] : [];
  const elsewhere = namespaces.length > 0 ? [`there is a project ${name} in ${namespaces.join(', ')}`] : [];
  const hint = near === undefined ? [] : [`did you mean ${near}?`];
  return ['nothing to delete', ...here, ...elsewhere, ...hint].join('; ');
}

/** One line a reason. */
function keptRows(kept: DeletePlan['kept']): readonly (readonly [string, string])[] {
  const reasons = [...new Set(kept.map(({ because }) => because))];
  return reasons.map((because) => {
    const ids = kept.filter((each) => each.because === because).map(({ id }) => id);
    return ['keeps', `${named(ids)}: ${because}`];
  });
}

/** @returns `14 objects, of them 2 volumes and 1 namespace`. */
function counted(ids: readonly ObjectId[]): string {
  const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`;
  const volumes = ids.filter(({ kind }) => /^PersistentVolume(Claim)?$/.test(kind)).length;
  const namespaces = ids.filter(({ kind }) => kind === 'Namespace').length;
  const definitions = ids.filter(({ kind }) => kind === 'CustomResourceDefinition').length;
  const special = [
    ...(volumes > 0 ? [`${count(volumes, 'volume')} with the data in them`] : []),
    ...(namespaces > 0 ? [count(namespaces, 'namespace')] : []),
    ...(definitions > 0 ? [`${count(definitions, 'definition')} with the objects of their kinds`] : []),
  ];
  return [count(ids.length, 'object'), ...(special.length > 0 ? [`of them ${special.join(' and ')}`] : [])].join(', ');
}

/** What stands in the cluster can be taken down without the config that brought it there. */
function withoutConfig(error: unknown): unknown {
  if (!(error instanceof Failure) || error.kind !== 'usage') return error;
  const all = error instanceof Failures ? error.all : [error];
  const [first, ...rest] = all.map(({ kind, message, where, detail, next, cause }, index) => {
    const hint = 'without a config: stormctl delete --name NAME --namespace NAMESPACE';
    const isLast = index === all.length - 1;
    const facts = { where, detail, cause, next: isLast ? [next, hint].filter(Boolean).join('; ') : next };
    return new Failure(kind, message, facts);
  });
  return first ? new Failures([first, ...rest]) : error;
}
