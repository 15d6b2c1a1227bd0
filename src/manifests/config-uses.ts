import { isRecord, recordOf } from '../lib/is-record.ts';
import { containersOf, type PodTemplate, type RawContainer } from './pod-template.ts';

/** What a pod takes from one ConfigMap or Secret. */
export interface ConfigUse {
  readonly kind: 'ConfigMap' | 'Secret';
  readonly name: string;
  /** undefined: all of them. */
  readonly keys: readonly string[] | undefined;
  /** Variables hold text alone, files also what stands under `binaryData`. */
  readonly as: 'variables' | 'files';
}

/**
 * @returns what the containers of a pod template are given of ConfigMaps and Secrets: variables and volumes, projected ones
 * too. What the node alone uses (`imagePullSecrets`, credentials of volumes) is not among them.
 * https://kubernetes.io/docs/concepts/configuration/configmap/#using-configmaps
 */
export function configUses(template: PodTemplate): readonly ConfigUse[] {
  const containers = [...containersOf(template, 'initContainers'), ...containersOf(template, 'containers')];
  return [
    ...containers.flatMap(usesOfContainer),
    ...recordsOf(template.spec['volumes']).flatMap((volume) => [
      ...filesOf('ConfigMap', volume['configMap'], 'name'),
      ...filesOf('Secret', volume['secret'], 'secretName'),
      ...recordsOf(recordOf(volume['projected'])['sources']).flatMap((source) => [
        ...filesOf('ConfigMap', source['configMap'], 'name'),
        ...filesOf('Secret', source['secret'], 'name'),
      ]),
    ]),
  ];
}

function usesOfContainer(container: RawContainer): readonly ConfigUse[] {
  return [
    ...recordsOf(container['envFrom']).flatMap((source) => [
      ...variablesOf('ConfigMap', source['configMapRef']),
      ...variablesOf('Secret', source['secretRef']),
    ]),
    ...recordsOf(container['env']).flatMap((variable) => {
      const from = recordOf(variable['valueFrom']);
      return [...variableOf('ConfigMap', from['configMapKeyRef']), ...variableOf('Secret', from['secretKeyRef'])];
    }),
  ];
}

function variablesOf(kind: ConfigUse['kind'], reference: unknown): readonly ConfigUse[] {
  const { name } = recordOf(reference);
  return typeof name === 'string' ? [{ kind, name, keys: undefined, as: 'variables' }] : [];
}

function variableOf(kind: ConfigUse['kind'], reference: unknown): readonly ConfigUse[] {
  const { name, key } = recordOf(reference);
  return typeof name === 'string' && typeof key === 'string' ? [{ kind, name, keys: [key], as: 'variables' }] : [];
}

function filesOf(kind: ConfigUse['kind'], volume: unknown, nameField: string): readonly ConfigUse[] {
  const { [nameField]: name, items } = recordOf(volume);
  if (typeof name !== 'string') return [];
  const keys = recordsOf(items).flatMap(({ key }) => (typeof key === 'string' ? [key] : []));
  return [{ kind, name, keys: keys.length > 0 ? keys : undefined, as: 'files' }];
}

function recordsOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
