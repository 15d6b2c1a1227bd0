import type { Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import { openBuildSession, type SessionAnswers } from './build-session.ts';
import { BuildTrace } from './build-trace.ts';
import { BuildError, type BuildRequest, type BuiltImage } from './engine.ts';
import { readFrames } from './frames.ts';
import { statusOf, wordsOf } from './translate.ts';
import { openStream } from './transport.ts';

/**
 * `POST /build?version=2`: BuildKit, with the context as the request's body.
 *
 * @throws BuildError, or the context's own error when it could not be read.
 */
export async function build(
  connect: () => Promise<Dockerode>,
  answers: SessionAnswers,
  request: BuildRequest,
  signal: AbortSignal,
): Promise<BuiltImage> {
  const { context } = request;
  const contextError = rememberError(context);
  try {
    const docker = await connect();
    await using session = await openBuildSession(docker, answers, signal);
    if (contextError() !== undefined) throw contextError();
    const query = { version: '2', session: session.id, ...queryOf(request) };
    const answer = await openStream(docker, { method: 'POST', path: '/build', query, body: context }, signal);
    return await follow(answer, request);
  } catch (error) {
    // The request dies with a context that can't be read; the reader's own error says why.
    if (contextError() !== undefined && !signal.aborted) throw contextError();
    if (statusOf(error) !== undefined) throw new BuildError(wordsOf(error), undefined, []);
    throw error;
  } finally {
    context.destroy();
  }
}

function queryOf({ dockerfile, tags, target, args, labels, network }: BuildRequest): Record<string, unknown> {
  return {
    dockerfile,
    t: tags,
    ...(target && { target }),
    ...(args && { buildargs: JSON.stringify(args) }),
    ...(labels && { labels: JSON.stringify(labels) }),
    ...(network && { networkmode: network }),
  };
}

async function follow(answer: AsyncIterable<Buffer>, { onProgress }: BuildRequest): Promise<BuiltImage> {
  const trace = new BuildTrace();
  let id: string | undefined;
  let refusal: string | undefined;
  for await (const frame of readFrames(answer)) {
    if (frame.id === 'moby.buildkit.trace')
      for (const progress of trace.read(frame.aux as string)) onProgress?.(progress);
    if (frame.id === 'moby.image.id') id = (frame.aux as { ID: string }).ID;
    refusal = frame.error ?? refusal;
  }
  if (refusal === undefined && id !== undefined) return { id };
  const failed = trace.failure();
  const message = refusal === undefined ? 'the build ended without an image' : withoutWrapping(refusal);
  throw new BuildError(message, failed?.name, failed?.output ?? []);
}

const wrapping =
  /^(failed to solve( with frontend [\w.]+)?|failed to build LLB|failed to create LLB definition|rpc error: code = \w+ desc =):? /;

/** What BuildKit's layers put before the sentence that says what is wrong. */
function withoutWrapping(message: string): string {
  let rest = message;
  while (wrapping.test(rest)) rest = rest.replace(wrapping, '');
  return rest;
}

/** @returns how to ask for the stream's error, from now on: one that comes before anybody reads would end the process. */
function rememberError(stream: Readable): () => unknown {
  let seen: unknown;
  stream.on('error', (error) => {
    seen ??= error;
  });
  return () => seen;
}
