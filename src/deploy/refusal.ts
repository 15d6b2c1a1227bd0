import { Failure } from '../errors.ts';
import type { ApiError, Kube } from '../kube/kube.ts';
import { kindOf } from '../kube/outage.ts';
import { isSchemaError } from '../kube/passing.ts';
import { formatPlaced } from '../objects.ts';
import type { ObjectId } from '../objects.ts';
import { isTerminating } from './namespace-gone.ts';
import { isVolume } from './protected.ts';
import { admissionRule, exceededQuota, silentWebhook, whyForbidden } from './refusal-words.ts';

/**
 * @returns why the API server does not take one object: `usage` where the manifest is at fault, `refused` where rights,
 * an admission rule or the server itself stand against it.
 */
export function refusalOf(id: ObjectId, where: string, error: ApiError): Failure {
  const what = formatPlaced(id);
  const admission = admissionRule(error.message);
  if (admission)
    return new Failure('refused', `${what} is refused by ${admission.rule}: ${admission.says}`, {
      where,
      next: 'change the manifest so that the rule of the cluster lets it pass',
      cause: error,
    });
  const webhook = silentWebhook(error.message);
  if (webhook !== undefined)
    return new Failure('refused', `${what} could not be written: the admission webhook ${webhook} does not answer`, {
      where,
      detail: error.message,
      next: 'see its service: kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations -o wide',
      cause: error,
    });
  if (isImmutable(error))
    return new Failure('usage', `${what} can't be changed in place: ${fieldsOf(error)}`, {
      where,
      next: isVolume(id) ? howToLose : `${deleteCommand(id)}, then deploy again`,
      cause: error,
    });
  const quota = exceededQuota(error.message);
  if (quota)
    return new Failure('refused', `${what} exceeds the quota ${quota.quota}: ${quota.figures}`, {
      where,
      next: `take something away, ask for less, or raise it: kubectl describe quota ${quota.quota}`,
      cause: error,
    });
  if (isTerminating(error))
    return new Failure('refused', `${what} can't be made: its namespace is being deleted`, {
      where,
      next: 'wait until it is gone, and deploy again',
      cause: error,
    });
  if (error.status === 403)
    return new Failure('refused', `${what} is forbidden: ${whyForbidden(error.message)}`, {
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
  if (error.status === 400 || error.status === 422 || isSchemaError(error)) {
    const words = wordsOf(error);
    return new Failure('usage', `${what} is refused: ${words}`, {
      where,
      next: isUnquoted(words)
        ? 'put quotes around it: YAML reads it as something else than text'
        : 'correct the manifest',
      cause: error,
    });
  }
  return new Failure(kindOf(error), `${what} could not be written: ${error.message}`, { where, cause: error });
}

/** A kind that neither the cluster nor a CustomResourceDefinition of the project has; `next` names the nearest that it has. */
export async function unknownKind(kube: Kube, id: ObjectId, where: string, signal: AbortSignal): Promise<Failure> {
  const asked = await kube.resource(id.apiVersion, id.kind, signal).catch((error: unknown) => error);
  return new Failure('usage', `the cluster knows no kind ${id.kind} in ${id.apiVersion}`, {
    where,
    next:
      (asked instanceof Failure && asked.kind === 'usage' ? asked.next : undefined) ??
      'correct apiVersion and kind, or deploy the CustomResourceDefinition first',
  });
}

/** Whether the change is refused because a field can be set only at creation. */
export function isImmutable({ status, message }: ApiError): boolean {
  return (
    status === 422 &&
    /field is immutable|updates to statefulset spec for fields other than|spec is immutable after creation|may not change once set|cannot change roleRef|pod updates may not change fields|updates to \w+ are forbidden|may not be changed in an update/.test(
      message,
    )
  );
}

/** An immutable pod template is answered with a dump of the whole Go struct: its field says it all. */
export function fieldsOf(error: ApiError): string {
  const fields = error.details?.causes?.flatMap(({ field }) => (field === undefined ? [] : [field])) ?? [];
  return fields.length === 0 ? error.message : `${[...new Set(fields)].join(', ')} can be set only at creation`;
}

/** @returns the fields that a refusal names, as the server writes them. */
export function fieldsNamed({ message, details }: ApiError): readonly string[] {
  const named =
    details?.causes?.flatMap(({ field }) => (field === undefined || field === '<nil>' ? [] : [field])) ?? [];
  if (named.length > 0 || !untyped.test(message)) return named;
  return [...message.replace(untyped, '').matchAll(/^\s*(\..+?): /gmu)].flatMap(([, field]) => field ?? []);
}

/** What stands before the fields that do not fit the schema. */
const untyped = /^failed to create typed patch object \(.*?\): (errors:)?/;

function wordsOf(error: ApiError): string {
  const causes = error.details?.causes?.map(({ field, message }) => [field, message].filter(Boolean).join(': ')) ?? [];
  if (causes.length > 0) return causes.join('; ');
  return (
    error.message
      .replace(untyped, '')
      .replace(/^\s*\.?/, '')
      .replaceAll(/\n\s*\.?/g, '; ')
      // The name of a Go type, around the value.
      .replaceAll(/&value\.\w+\{Value:(.*?)\}/g, '$1')
  );
}

function isUnquoted(words: string): boolean {
  return /expected string, got (?:[-\d.]+|true|false)\b/.test(words);
}

const howToLose =
  'undo the change; or lose the data: take it out of the manifests, `stormctl run --volumes`, and put it back';

/** The pods of a StatefulSet live on when it alone is replaced, and its claims in any case. */
function deleteCommand({ kind, name, namespace }: ObjectId): string {
  const cascade = kind === 'StatefulSet' ? ' --cascade=orphan' : '';
  return `kubectl delete ${kind.toLowerCase()} ${name}${namespace === undefined ? '' : ` -n ${namespace}`}${cascade}`;
}
