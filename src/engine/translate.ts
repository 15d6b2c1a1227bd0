import { Failure, type FailureKind } from '../errors.ts';
import { abortError } from '../lib/abort.ts';
import { connectionLoss } from '../lib/network-errors.ts';
import type { EngineAddress } from './address.ts';

/** What Node.js or docker-modem throw. */
interface TransportError extends Error {
  readonly code?: string;
  readonly syscall?: string;
  readonly statusCode?: number;
  readonly json?: unknown;
}

/** @returns the HTTP status that the engine refused with; undefined when the error is none of the engine's. */
export function statusOf(error: unknown): number | undefined {
  const from = error instanceof Failure ? error.cause : error;
  return from instanceof Error ? (from as TransportError).statusCode : undefined;
}

/** @returns the engine's own words, without what docker-modem puts before and after them. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { json } = error as TransportError;
  if (typeof json === 'object' && json !== null && 'message' in json) return String(json.message).trim();
  return error.message.replace(/^\(HTTP code \d+\) .*? - /, '').trim();
}

/**
 * Makes of a call's error what the rest of stormctl understands: an abort, a Failure `unreachable` that says which
 * engine and who chose it, or a Failure with the engine's own words, `refused` where it would say the same again. Anything else is returned as it is.
 */
export function translate(error: unknown, address: EngineAddress, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return abortError(signal);
  if (!(error instanceof Error) || error instanceof Failure) return error;
  const status = statusOf(error);
  if (status !== undefined)
    return new Failure(kindOf(status), `the Docker engine refuses: ${wordsOf(error)}`, {
      where: address.endpoint,
      cause: error,
    });
  return isLost(error) ? unreachable(error, address) : error;
}

/** @returns the kind of a Failure for a status: an engine that fails inside may have mended that when it is asked again. */
export function kindOf(status: number): FailureKind {
  return status < 500 ? 'refused' : 'unreachable';
}

function isLost(error: TransportError): boolean {
  const code = error.code ?? '';
  if (code === 'ENOENT' || code === 'EACCES' || code === 'EPERM') return error.syscall === 'connect';
  return (
    connectionLoss(error) !== undefined || code.startsWith('ERR_TLS') || code.startsWith('ERR_SSL') || /CERT/.test(code)
  );
}

function unreachable(error: TransportError, address: EngineAddress): Failure {
  return new Failure('unreachable', `can't reach the Docker engine at ${address.endpoint}: ${sayWhy(error)}`, {
    where: address.endpoint,
    detail: `chosen by ${address.chosenBy}`,
    next: nextStep(error, address),
    cause: error,
  });
}

function sayWhy(error: TransportError): string {
  switch (error.code) {
    case 'ENOENT':
      return 'there is no such socket';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'ECONNREFUSED':
      return 'nobody listens there';
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ERR_STREAM_PREMATURE_CLOSE':
      return 'the connection was cut';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the host is not known';
    default:
      return error.message;
  }
}

function nextStep(error: TransportError, address: EngineAddress): string {
  if (error.code === 'EACCES' || error.code === 'EPERM')
    return 'let your user use the socket: as a rule, join the group `docker` (`sudo usermod -aG docker $USER`, then log in again)';
  if (address.route.kind === 'tcp' && address.route.tls && connectionLoss(error) === undefined)
    return 'check the certificates: DOCKER_CERT_PATH, or those of the docker context';
  return 'start Docker, or name another engine with DOCKER_HOST or `docker context use`';
}
