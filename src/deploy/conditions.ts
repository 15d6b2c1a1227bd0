import { isRecord } from '../lib/is-record.ts';

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/condition/ */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason?: string;
  readonly message?: string;
  /** Of the object, when this was found out. */
  readonly observedGeneration?: number;
}

/** What has a status, or is an object that may have one. */
export interface Conditioned {
  readonly status?: unknown;
  readonly [field: string]: unknown;
}

/** @returns those of any object: a custom one's status has whatever form its definition lets pass. */
export function conditionsOf(object: Conditioned): readonly Condition[] {
  const { status } = object;
  const conditions = isRecord(status) ? status['conditions'] : undefined;
  return Array.isArray(conditions) ? conditions.flatMap(readCondition) : [];
}

/** Of what is not as the convention has it, what is is left. */
function readCondition(told: unknown): readonly Condition[] {
  if (!isRecord(told)) return [];
  const { type, status, reason, message, observedGeneration } = told;
  if (typeof type !== 'string') return [];
  return [
    {
      type,
      status: status === 'True' || status === 'False' ? status : 'Unknown',
      ...(typeof reason === 'string' ? { reason } : {}),
      ...(typeof message === 'string' ? { message } : {}),
      ...(typeof observedGeneration === 'number' ? { observedGeneration } : {}),
    },
  ];
}

export function conditionOf(object: Conditioned, type: string): Condition | undefined {
  return conditionsOf(object).find((condition) => condition.type === type);
}
