/** The parts of an image reference. https://pkg.go.dev/github.com/distribution/reference */
export interface Reference {
  /** The registry: `localhost:5000`; `docker.io` where none is named. */
  readonly host: string;
  /** Everything before the tag or digest, as it was written. */
  readonly name: string;
  /** The digest with its `sha256:`, else the tag, else `latest`. */
  readonly tag: string;
}

export function parseReference(reference: string): Reference {
  const at = reference.indexOf('@');
  const tagged = at < 0 ? reference : reference.slice(0, at);
  const colon = tagged.lastIndexOf(':');
  const hasTag = colon > tagged.lastIndexOf('/');
  const name = hasTag ? tagged.slice(0, colon) : tagged;
  const first = name.split('/')[0] ?? '';
  const named = name.includes('/') && (/[.:]/.test(first) || first === 'localhost');
  const tag = hasTag ? tagged.slice(colon + 1) : 'latest';
  return { host: named ? first : 'docker.io', name, tag: at < 0 ? tag : reference.slice(at + 1) };
}
