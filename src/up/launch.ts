import type { Engine } from '../engine/engine.ts';
import type { Reporter } from '../events.ts';
import type { Launch } from '../manifests/supervise.ts';
import type { Interpreter } from '../manifests/supervisor.ts';
import type { Service } from '../project.ts';

/** Where images keep them, the smaller one first: a node of its own costs a container some 40 MB. */
const interpreters: readonly Interpreter[] = [
  ...['/bin/sh', '/usr/bin/sh', '/busybox/sh'].map((path) => ({ kind: 'sh', path }) as const),
  ...['/usr/local/bin/node', '/usr/bin/node', '/nodejs/bin/node', '/bin/node'].map(
    (path) => ({ kind: 'node', path }) as const,
  ),
];

/**
 * @returns how the image of a service whose `afterSync` is a restart is put under a supervisor; undefined for any other
 * service, and for an image that has nothing to run one, which is told.
 * @param pinned what `deliver` gave. @throws Failure `unreachable`; AbortError.
 */
export async function launchOf(
  engine: Engine,
  { name, afterSync }: Service,
  pinned: string,
  report: Reporter,
  signal: AbortSignal,
): Promise<Launch | undefined> {
  const [, id] = /:stormctl-([0-9a-f]+)(?:@|$)/.exec(pinned) ?? [];
  if (afterSync?.kind !== 'restart' || id === undefined) return undefined;
  const image = await engine.inspectImage(id, signal);
  // What was built or found a moment ago can be removed by somebody else; then the pods run without a supervisor.
  if (!image) return undefined;
  const there = await engine.pathsInImage(
    image.id,
    interpreters.map(({ path }) => path),
    signal,
  );
  const interpreter = interpreters.find(({ path }) => there.includes(path));
  if (interpreter) return { interpreter, entrypoint: image.entrypoint, command: image.command };
  report({
    type: 'warning',
    service: name,
    text: 'afterSync: restart needs sh or node in the image, and it has neither',
    next: 'take `restart` out of stormctl.yaml; without both nothing can be synced, and a save rebuilds the image',
  });
  return undefined;
}
