import { Failure } from '../errors.ts';
import type { KubeTarget } from './kube.ts';

/**
 * Why the transport to a cluster failed, by the error codes of Node.js and OpenSSL.
 *
 * @param doing what was being done: `GET /version`, `the log of web/main`.
 */
export function unreachable(error: unknown, target: KubeTarget, doing: string): Failure {
  const cause = error instanceof Error ? error : new Error(String(error));
  return new Failure('unreachable', `${nameOf(target)} ${verdictOf(cause)}`, {
    where: doing,
    detail: cause.message,
    next: `see whether it answers: kubectl --context ${target.context} get --raw /readyz`,
    cause,
  });
}

/** @returns `the cluster at https://127.0.0.1:6550 (context k3d-storm)`. */
export function nameOf(target: KubeTarget): string {
  return `the cluster at ${target.server} (context ${target.context})`;
}

function verdictOf(error: Error): string {
  const { code = '', hostname } = error as { code?: string; hostname?: string };
  switch (code) {
    case 'ECONNREFUSED':
      return 'refuses connections';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `has a name that does not resolve: ${hostname ?? error.message}`;
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EHOSTDOWN':
      return 'does not answer';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'closed the connection';
    default:
      return isTlsCode(code) ? `can't be trusted: ${tlsVerdictOf(code, error)}` : `can't be reached: ${error.message}`;
  }
}

/** X509_V_ERR_… as Node.js names them, and what OpenSSL says of the handshake itself. */
function isTlsCode(code: string): boolean {
  return /^(CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|INVALID_CA|HOSTNAME_MISMATCH|ERR_TLS_|ERR_SSL_|EPROTO)/.test(
    code,
  );
}

function tlsVerdictOf(code: string, error: Error): string {
  if (code === 'CERT_HAS_EXPIRED') return 'its certificate has expired';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'its certificate is for another host';
  if (/^(DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code))
    return "its certificate is not signed by the authority in the kubeconfig (was it made anew? then the kubeconfig's entry is old)";
  return `the TLS handshake failed: ${error.message}`;
}
