import { admissionRule, exceededQuota, silentWebhook } from './refusal-words.ts';

/** @param said `Error creating: pods "web-0" is forbidden: exceeded quota: …`, as a controller passes it on. */
export function creationWords(said: string): string {
  const quota = exceededQuota(said);
  if (quota) return `its pods can't be made: the quota ${quota.quota} is exceeded: ${quota.figures}`;
  const webhook = silentWebhook(said);
  if (webhook !== undefined) return `its pods can't be made: the admission webhook ${webhook} does not answer`;
  const admission = admissionRule(said);
  if (admission) return `its pods are refused by ${admission.rule}: ${admission.says}`;
  return `its pods can't be made: ${oneLine(said)}`;
}

/** @returns a text of several lines in one. */
export function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, ' ');
}
