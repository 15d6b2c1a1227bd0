import { shown } from '../deploy/compare-objects.ts';
import { type Diff, diffObjects } from '../deploy/diff.ts';
import type { ClusterIdentity } from '../deploy/identity.ts';
import type { Asked } from '../deploy/protected.ts';
import { warnOfUnseen } from '../deploy/unseen.ts';
import type { KubeTarget } from '../kube/kube.ts';
import type { Mask } from '../lib/mask.ts';
import { secretValues } from '../manifests/secret-values.ts';
import { idOf, type KubeObject } from '../objects.ts';
import { finishObject } from './finish-object.ts';
import { maskReports } from './mask-reports.ts';
import { openIfThere } from './open-if-there.ts';
import type { Mode, Plan } from './plan.ts';
import { planProject, type UpOptions } from './plan-project.ts';
import { imagesFor } from './render-project.ts';
import { runningImages } from './running-images.ts';

export interface DiffProjectOptions extends UpOptions {
  /** Whether images are built and shipped where `run` would do that; otherwise what runs is taken. */
  readonly build: boolean;
  /** What of that which left the manifests goes only when it is asked for. Default: nothing. */
  readonly prunes?: Asked | undefined;
  /** Whether fields that others hold would be taken from them. Default: no. */
  readonly forceConflicts?: boolean | undefined;
  /** Default: `run`. */
  readonly mode?: Mode;
}

export interface ProjectDiff extends Diff {
  /** What was compared with; undefined when it is yet to be made. */
  readonly cluster: { readonly target: KubeTarget; readonly identity: ClusterIdentity } | undefined;
}

/**
 * @returns what `run` would change in the cluster. Nothing is written there, and a cluster that is yet to be made is not.
 * @throws Failures `usage`; as openCluster; with `build` also what keeps an image from being built or shipped; AbortError.
 */
export async function diffProject(options: DiffProjectOptions): Promise<ProjectDiff> {
  const { project, mask, signal } = options;
  const report = maskReports(options.report, mask);
  const plan = await planProject(options, options.mode ?? 'run');
  learn(
    mask,
    plan.objects.map(({ object }) => object),
  );
  const opened = await openIfThere({ ...options, report });
  if (!opened)
    return { cluster: undefined, changes: everything(plan), unchanged: 0, kept: [], refused: [], unseen: [] };
  const { kube, identity } = opened;
  await using _ = kube;
  const ref = { name: project.name, namespace: project.cluster.namespace };
  const images = options.build
    ? await imagesFor(plan, { ...options, context: kube.target.context, expected: identity, report })
    : await runningImages(kube, plan, ref, signal);
  const objects = plan.objects.map((planned) => ({
    ...planned,
    object: finishObject(planned.object, { plan, images }),
  }));
  const diff = await diffObjects({
    kube,
    ref,
    objects,
    asked: options.prunes,
    forceConflicts: options.forceConflicts,
    onLive: (object) => learn(mask, [object]),
    signal,
  });
  for (const warning of warnOfUnseen(diff.unseen, 'what of it `run` would prune is not shown')) report(warning);
  return { ...diff, cluster: { target: kube.target, identity } };
}

/** Whatever the config says of logs: what a Secret holds is not to be seen in another field, either. */
function learn(mask: Mask, objects: readonly KubeObject[]): void {
  mask.learn(secretValues(objects));
}

function everything({ objects }: Plan): Diff['changes'] {
  return objects.map(({ object }) => ({ kind: 'new', id: idOf(object), object: shown(object) }));
}
