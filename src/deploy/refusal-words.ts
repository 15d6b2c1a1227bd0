/** What a user may not do, as the authorizer of the API server says it. */
export interface MissingRight {
  readonly user: string;
  readonly verb: string;
  readonly resource: string;
  /** undefined: of the whole cluster. */
  readonly namespace: string | undefined;
}

/** @returns undefined for a message that is about something else. */
export function missingRight(message: string): MissingRight | undefined {
  const words = /User "([^"]*)" cannot (\S+) (?:resource "([^"]+)"|path "([^"]+)")/.exec(message);
  const [, user = '', verb = '', resource, path = ''] = words ?? [];
  if (!words) return undefined;
  return { user, verb, resource: resource ?? path, namespace: /in the namespace "([^"]+)"/.exec(message)?.[1] };
}

/** @returns `the user ann may not patch deployments in storm`. */
export function formatRight({ user, verb, resource, namespace }: MissingRight): string {
  const where = namespace === undefined ? 'in the whole cluster' : `in ${namespace}`;
  return `the user ${user} may not ${verb} ${resource} ${where}`;
}

/** @returns the right that is missing, or what is said in place of one. */
export function whyForbidden(message: string): string {
  const right = missingRight(message);
  return right ? formatRight(right) : message;
}

/** @returns `the admission webhook x.example.com` and what it said; undefined for a message that no admission rule sent. */
export function admissionRule(message: string): { readonly rule: string; readonly says: string } | undefined {
  const [, webhook, denial] = /admission webhook "([^"]+)" denied the request(?::\s*|\s+)([^]*)/.exec(message) ?? [];
  if (webhook !== undefined) return { rule: `the admission webhook ${webhook}`, says: denial || message };
  const [, policy, because] = /ValidatingAdmissionPolicy '([^']+)'.*?denied request: ([^]*)/.exec(message) ?? [];
  if (policy !== undefined) return { rule: `the admission policy ${policy}`, says: because || message };
  const [, violation] = /violates (PodSecurity [^]*)/.exec(message) ?? [];
  return violation === undefined ? undefined : { rule: 'the namespace', says: `it violates ${violation}` };
}

/** @returns the name of a webhook that has to be asked and does not answer. */
export function silentWebhook(message: string): string | undefined {
  return /failed calling webhook "([^"]+)"/.exec(message)?.[1];
}

/** @returns the name of a quota and the figures. https://kubernetes.io/docs/concepts/policy/resource-quotas/ */
export function exceededQuota(message: string): { readonly quota: string; readonly figures: string } | undefined {
  const [, quota, figures] = /exceeded quota: ([^,]+), (requested: [^]*)/.exec(message) ?? [];
  return quota === undefined || figures === undefined ? undefined : { quota, figures };
}
