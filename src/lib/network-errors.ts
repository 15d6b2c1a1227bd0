/** What Node.js says of a connection that could not be made: nothing was sent over it. */
const unmade: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** … and of one that broke: what was sent may have arrived, and may have been done. */
const broken: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/** @returns what became of a connection; undefined for an error that is about something else (certificates, a file). */
export function connectionLoss(error: unknown): 'unmade' | 'broken' | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (unmade.has(code)) return 'unmade';
  return broken.has(code) ? 'broken' : undefined;
}
