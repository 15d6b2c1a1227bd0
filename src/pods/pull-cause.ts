/** What containerd and the kubelet put before the cause, each naming the image once more. */
const wrappings: readonly RegExp[] = [
  /^.*?\bdesc = /su,
  /^Back-off pulling image "[^"]*": (?:\w+: )?/u,
  /^failed to pull and unpack image "[^"]*": /u,
  /^failed to resolve (?:reference|image) "[^"]*": /u,
  /^failed to copy: /u,
  /^failed to do request: \w+ "[^"]*": /u,
  /^failed to authorize: /u,
];

/**
 * @returns the last part of what a node says of an image that can't be pulled. It is the same while the node tries and
 * while it waits for the next try, so that it is told once.
 */
export function pullCause(image: string, reason: string, message: string | undefined): string {
  if (message === undefined) return reason;
  const said = wrappings.reduce((rest, wrapping) => rest.replace(wrapping, ''), message);
  const cause = said.startsWith(`${image}: `) ? said.slice(image.length + 2) : said;
  return cause.startsWith('Back-off pulling') ? `${reason}, ${cause}` : cause;
}
