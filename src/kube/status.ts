import { STATUS_CODES } from 'node:http';
import { ApiError, type StatusDetails } from './kube.ts';

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
export interface Status {
  readonly kind?: string;
  readonly status?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: StatusDetails;
}

interface Refusal {
  readonly status: number;
  readonly body: string;
  /** The Retry-After header. */
  readonly retryAfter?: string | undefined;
  readonly method: string;
  readonly path: string;
}

/** @returns the refusal that an answer holds: its Status where it has one, else its first words (a proxy's, say). */
export function apiError({ status, body, retryAfter, method, path }: Refusal): ApiError {
  const said = parseStatus(body);
  const seconds = said?.details?.retryAfterSeconds ?? secondsOf(retryAfter);
  const details = seconds === undefined ? said?.details : { ...said?.details, retryAfterSeconds: seconds };
  const name = STATUS_CODES[status] ?? `HTTP ${status}`;
  const words = body.trim().split('\n', 1)[0]?.slice(0, 300);
  return new ApiError({
    status,
    reason: said?.reason || name.replaceAll(' ', ''),
    message: said?.message || words || `the server answered ${status} ${name}`,
    method,
    path,
    details,
  });
}

/** @returns the ApiError of a Status that came inside a stream. */
export function statusError(status: Status, method: string, path: string): ApiError {
  return apiError({ status: status.code ?? 500, body: JSON.stringify({ ...status, kind: 'Status' }), method, path });
}

/** Seconds, or a date. RFC 9110, 10.2.3 */
function secondsOf(retryAfter = ''): number | undefined {
  if (/^\d+$/.test(retryAfter)) return Number(retryAfter);
  const at = Date.parse(retryAfter);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - Date.now()) / 1000));
}

function parseStatus(body: string): Status | undefined {
  try {
    const parsed = JSON.parse(body) as Status | null;
    return parsed?.kind === 'Status' ? parsed : undefined;
  } catch {
    return undefined;
  }
}
