import type { KubeObject } from '../objects.ts';

/** Hooks that an install runs. https://helm.sh/docs/topics/charts_hooks/ */
const ofInstall = new Set(['pre-install', 'post-install', 'crd-install']);

/**
 * Whether an object of a chart is applied. Those of an install are, hooks too: these are applied together with the rest,
 * as the objects that they are. Hooks of nothing but tests, upgrades, rollbacks and deletions are left out: run at any other
 * time they would do harm (docs/decisions/0031-helm.md).
 */
export function isInstalled({ metadata }: KubeObject): boolean {
  const hooks = metadata.annotations?.['helm.sh/hook'];
  return typeof hooks !== 'string' || hooks.split(',').some((hook) => ofInstall.has(hook.trim()));
}
