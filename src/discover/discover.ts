import { basename } from 'node:path';
import { toLabel } from '../lib/label.ts';
import type { KubeObject } from '../objects.ts';
import { chooseDeploy } from './choose-deploy.ts';
import { findFiles } from './find-files.ts';
import { matchServices, type FoundService } from './match-services.ts';
import { suggestForwards, type FoundForward } from './suggest-forwards.ts';

/** What a tree without a stormctl.yaml seems to be. Paths are relative to its root, `/` separated. */
export interface Discovered {
  readonly name: string;
  readonly namespace: string;
  readonly services: readonly FoundService[];
  /** Dockerfiles whose image no manifest seems to use. */
  readonly unmatched: readonly string[];
  /** The folder of the kustomization to develop with. */
  readonly kustomize: string | undefined;
  /** Those for other environments, by the name of their folder. */
  readonly environments: ReadonlyMap<string, string>;
  /** Kustomizations and charts that nothing of it deploys. */
  readonly others: readonly FoundOther[];
  /** Helm charts to deploy: where there is nothing else. */
  readonly charts: readonly string[];
  /** Globs and files of plain manifests; none where there is a kustomization. */
  readonly manifests: readonly string[];
  readonly forward: readonly FoundForward[];
}

interface FoundOther {
  readonly kind: 'kustomize' | 'helm';
  readonly folder: string;
}

/** Finds Dockerfiles and manifests below `root`, and which of them belong together. Writes nothing. */
export async function discover(root: string): Promise<Discovered> {
  const files = await findFiles(root);
  const { kustomize, environments, manifests, objects, others } = await chooseDeploy(root, files);
  const isDeployed = kustomize !== undefined || manifests.length > 0;
  const { services, unmatched } = await matchServices(root, files.dockerfiles, objects);
  const name = toLabel(basename(root)) || 'app';
  const namespace = namespaceOf(objects) ?? name;
  return {
    name,
    namespace,
    services,
    unmatched,
    kustomize,
    environments,
    others: [
      ...others.map((folder) => ({ kind: 'kustomize', folder }) as const),
      ...(isDeployed ? files.charts : []).map((folder) => ({ kind: 'helm', folder }) as const),
    ],
    charts: isDeployed ? [] : files.charts,
    manifests,
    forward: suggestForwards(objects, services),
  };
}

/** The namespace that the manifests bring, else the only one that they name. */
function namespaceOf(objects: readonly KubeObject[]): string | undefined {
  const brought = objects.find(({ kind }) => kind === 'Namespace');
  if (brought) return brought.metadata.name;
  const named = new Set(objects.flatMap(({ metadata }) => metadata.namespace ?? []));
  return named.size === 1 ? [...named][0] : undefined;
}
