import { PassThrough, type Readable } from 'node:stream';
import type { Engine } from '../engine/engine.ts';
import { Failure } from '../errors.ts';
import { LinkedSignal } from '../lib/abort.ts';
import type { ClusterNode } from './nodes.ts';

const command = ['ctr', '-n', 'k8s.io', 'images', 'import', '-'];

/**
 * Puts images of the engine into the container stores of nodes: saved once, streamed into all nodes side by side, the
 * slowest of which sets the pace. Nothing is kept in memory or on disk.
 *
 * @throws Failure `ship` that names the node which did not take them. The first failure ends the others.
 */
export async function loadImage(
  engine: Engine,
  nodes: readonly ClusterNode[],
  references: readonly string[],
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  using either = new LinkedSignal(signal);
  let failure: { readonly error: unknown } | undefined;
  const tar = await engine.save(references, either.signal);
  const targets = nodes.map((node) => ({ node, input: new PassThrough() }));
  const imports = targets.map(({ node, input }) => importInto(engine, node, references, input, either.signal));
  const copy = tee(
    tar,
    targets.map(({ input }) => input),
  );
  const tasks = [copy, ...imports].map((task) =>
    task.catch((error: unknown) => {
      failure ??= { error };
      either.abort(error);
    }),
  );
  await Promise.all(tasks);
  if (failure) throw failure.error;
}

async function importInto(
  engine: Engine,
  node: ClusterNode,
  references: readonly string[],
  stdin: Readable,
  signal: AbortSignal,
): Promise<void> {
  const { exitCode, stderr } = await engine.exec(node.id, command, { stdin, signal });
  if (exitCode === 0) return;
  throw new Failure('ship', `the node ${node.name} did not take ${references.join(', ')}`, {
    where: node.name,
    detail: stderr.trim() || `ctr ended with exit code ${exitCode}`,
    next: `is its disk full? \`docker exec ${node.name} df -h\``,
  });
}

/** Copies one source into several, no faster than the slowest takes it. One that is closed is left out. */
async function tee(source: Readable, targets: readonly PassThrough[]): Promise<void> {
  try {
    for await (const chunk of source) await Promise.all(targets.map((target) => write(target, chunk as Buffer)));
    for (const target of targets) target.end();
  } catch (error) {
    for (const target of targets) target.destroy();
    throw error;
  }
}

async function write(target: PassThrough, chunk: Buffer): Promise<void> {
  if (target.destroyed || target.write(chunk)) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      target.off('drain', done).off('close', done);
      resolve();
    };
    target.on('drain', done).on('close', done);
  });
}
