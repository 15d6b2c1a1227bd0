import type { PortFacts } from '../project.ts';

/** The usual numbers of what a browser can open, or curl. */
const http = new Set([80, 81, 4000, 4200, 5000, 5173, 9000, 9090]);
const https = new Set([443, 8443, 9443]);

/**
 * What a person can open, or give to a client: a URL where HTTP (gRPC too) is spoken there, else `host:port`. That is told by
 * the Service's `appProtocol`; else by how the port's name begins; else by its number.
 */
export function urlOf(facts: PortFacts, host: string, local: number): string {
  const scheme = byProtocol(facts.appProtocol) ?? byName(facts.name) ?? byNumber(facts.number);
  return scheme === undefined || scheme === 'none' ? `${host}:${local}` : `${scheme}://${host}:${local}`;
}

type Scheme = 'http' | 'https' | 'none';

/** https://kubernetes.io/docs/concepts/services-networking/service/#application-protocol */
function byProtocol(protocol: string | undefined): Scheme | undefined {
  if (protocol === undefined) return undefined;
  const name = protocol.toLowerCase().replace(/^kubernetes\.io\//, '');
  if (/^(https|wss|grpcs)$/.test(name)) return 'https';
  return /^(http2?|h2c|ws|grpc|grpc-web)$/.test(name) ? 'http' : 'none';
}

function byName(name: string | undefined): Scheme | undefined {
  if (name === undefined) return undefined;
  if (/^(https|websecure|grpcs)/.test(name)) return 'https';
  if (/^(http|web|grpc|h2c|ui|api|dashboard|metrics)/.test(name)) return 'http';
  return name.startsWith('tcp') ? 'none' : undefined;
}

function byNumber(number: number | undefined): Scheme | undefined {
  if (number === undefined) return undefined;
  if (https.has(number)) return 'https';
  const isUsual = (number >= 3000 && number < 3100) || (number >= 8000 && number < 9000) || http.has(number);
  return isUsual ? 'http' : undefined;
}
