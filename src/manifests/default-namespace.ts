import { groupOf } from '../objects.ts';
import type { KubeObject } from '../objects.ts';

/** What Kubernetes itself keeps outside of namespaces: `kubectl api-resources --namespaced=false`. */
const clusterScoped = new Set([
  '/Namespace',
  '/Node',
  '/PersistentVolume',
  'admissionregistration.k8s.io/MutatingAdmissionPolicy',
  'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding',
  'admissionregistration.k8s.io/MutatingWebhookConfiguration',
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy',
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding',
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration',
  'apiextensions.k8s.io/CustomResourceDefinition',
  'apiregistration.k8s.io/APIService',
  'certificates.k8s.io/CertificateSigningRequest',
  'flowcontrol.apiserver.k8s.io/FlowSchema',
  'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration',
  'networking.k8s.io/IngressClass',
  'node.k8s.io/RuntimeClass',
  'rbac.authorization.k8s.io/ClusterRole',
  'rbac.authorization.k8s.io/ClusterRoleBinding',
  'resource.k8s.io/DeviceClass',
  'scheduling.k8s.io/PriorityClass',
  'storage.k8s.io/CSIDriver',
  'storage.k8s.io/CSINode',
  'storage.k8s.io/StorageClass',
  'storage.k8s.io/VolumeAttachment',
]);

/**
 * @param definitions CustomResourceDefinitions among these say which of their kinds live outside of namespaces; of a kind
 * that nobody knows the cluster says it when the object is applied, and then it gets none.
 * @returns the object in a namespace, unless it names one or its kind lives outside of them.
 */
export function inNamespace(object: KubeObject, namespace: string, definitions: readonly KubeObject[]): KubeObject {
  const { apiVersion, kind, metadata } = object;
  const key = `${groupOf(apiVersion)}/${kind}`;
  if (metadata.namespace !== undefined || clusterScoped.has(key) || definitions.some((each) => defines(each, key)))
    return object;
  return { ...object, metadata: { ...metadata, namespace } };
}

/** Whether a CustomResourceDefinition defines a kind that lives outside of namespaces. */
function defines({ kind, ...fields }: KubeObject, key: string): boolean {
  const { group, scope, names } = (fields['spec'] ?? {}) as Readonly<Record<string, unknown>>;
  if (kind !== 'CustomResourceDefinition' || scope !== 'Cluster') return false;
  return `${String(group)}/${String((names as { kind?: unknown } | undefined)?.kind)}` === key;
}
