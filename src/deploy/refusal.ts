import { Failure } from '../errors.ts';
import type { ApiError } from '../kube/kube.ts';
import type { ObjectId } from '../objects.ts';
import { isSchemaError } from './ask.ts';
import { describe } from './kinds.ts';

/**
 * @returns why the API server does not take one object: `usage` where the manifest is at fault, `unreachable` where rights,
 * an admission rule or the server itself stand against it.
 */
export function refusalOf(id: ObjectId, where: string, error: ApiError): Failure {
  const what = describe(id);
  if (isAdmission(error))
    return new Failure('unreachable', `${what} is refused by an admission rule: ${error.message}`, {
      where,
      next: 'change the manifest so that the rule of the cluster lets it pass',
      cause: error,
    });
  if (isImmutable(error))
    return new Failure('usage', `${what} can't be changed in place: ${fieldsOf(error)}`, {
      where,
      next: `${deleteCommand(id)}, then deploy again`,
      cause: error,
    });
  if (error.status === 403)
    return new Failure('unreachable', `${what} is forbidden: ${error.message}`, {
      where,
      next: 'use a context whose user may write it, or ask for the right',
      cause: error,
    });
  if (error.status === 404)
    return new Failure('usage', `${what} has no place to go: ${error.message}`, {
      where,
      next: 'give the manifests the Namespace too, or correct metadata.namespace',
      cause: error,
    });
  if (error.status === 400 || error.status === 422 || isSchemaError(error))
    return new Failure('usage', `${what} is refused: ${wordsOf(error)}`, {
      where,
      next: 'correct the manifest',
      cause: error,
    });
  return new Failure('unreachable', `${what} could not be written: ${error.message}`, { where, cause: error });
}

/** A kind that neither the cluster nor a CustomResourceDefinition of the project has. */
export function unknownKind(id: ObjectId, where: string): Failure {
  return new Failure('usage', `the cluster knows no kind ${id.kind} in ${id.apiVersion}`, {
    where,
    next: 'correct apiVersion and kind, or deploy the CustomResourceDefinition first',
  });
}

function isAdmission({ message }: ApiError): boolean {
  return /admission webhook|ValidatingAdmissionPolicy|violates PodSecurity/.test(message);
}

function isImmutable({ status, message }: ApiError): boolean {
  return status === 422 && /field is immutable|updates to statefulset spec for fields other than/.test(message);
}

/** An immutable pod template is answered with a dump of the whole Go struct: its field says it all. */
function fieldsOf(error: ApiError): string {
  const fields = error.details?.causes?.flatMap(({ field }) => (field === undefined ? [] : [field])) ?? [];
  return fields.length === 0 ? error.message : `${[...new Set(fields)].join(', ')} can be set only at creation`;
}

function wordsOf(error: ApiError): string {
  const causes = error.details?.causes?.map(({ field, message }) => [field, message].filter(Boolean).join(': ')) ?? [];
  if (causes.length > 0) return causes.join('; ');
  return error.message.replace(/^failed to create typed patch object \(.*?\): \.?/, '');
}

/** The pods of a StatefulSet live on when it alone is replaced, and its claims in any case. */
function deleteCommand({ kind, name, namespace }: ObjectId): string {
  const cascade = kind === 'StatefulSet' ? ' --cascade=orphan' : '';
  return `kubectl delete ${kind.toLowerCase()} ${name}${namespace === undefined ? '' : ` -n ${namespace}`}${cascade}`;
}
