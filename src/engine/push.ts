import type Dockerode from 'dockerode';
import { Failure } from '../errors.ts';
import { type Credentials, findCredentials } from './credentials.ts';
import type { Environment } from './docker-config.ts';
import { readFrames } from './frames.ts';
import { parseReference } from './reference.ts';
import { kindOf, statusOf, wordsOf } from './translate.ts';
import { openStream } from './transport.ts';

/** @throws Failure `ship` with the registry's own words. */
export async function push(
  docker: Dockerode,
  env: Environment,
  reference: string,
  signal: AbortSignal,
): Promise<{ readonly digest: string }> {
  const { host, name, tag } = parseReference(reference);
  const login = await registryAuth(env, host, signal);
  const fail = (words: string, cause?: unknown) =>
    new Failure('ship', `can't push ${reference}: ${words}`, {
      where: host,
      detail: login.problem,
      next: `is the registry ${host} up, and may you push there? \`docker push ${reference}\` asks it the same`,
      cause,
    });
  const path = `/images/${name}/push`;
  let digest: string | undefined;
  try {
    const query = { tag };
    const answer = await openStream(docker, { method: 'POST', path, query, registryAuth: login.auth }, signal);
    for await (const frame of readFrames(answer)) {
      if (frame.error !== undefined) throw fail(frame.error);
      digest = (frame.aux as { Digest?: string } | undefined)?.Digest ?? digest;
    }
  } catch (error) {
    throw statusOf(error) === undefined ? error : fail(wordsOf(error), error);
  }
  if (digest === undefined) throw fail('the engine ended without naming a digest');
  return { digest };
}

/** @throws Failure `refused` or `unreachable` with the registry's own words. */
export async function pull(docker: Dockerode, env: Environment, reference: string, signal: AbortSignal): Promise<void> {
  const { host, name, tag } = parseReference(reference);
  const login = await registryAuth(env, host, signal);
  const fail = (words: string, cause?: unknown) =>
    new Failure(kindOf(statusOf(cause) ?? 500), `can't pull ${reference}: ${words}`, {
      where: host,
      detail: login.problem,
      next: `is the name right, and the registry ${host} within reach? \`docker pull ${reference}\` asks it the same`,
      cause,
    });
  try {
    const query = { fromImage: name, tag };
    const answer = await openStream(
      docker,
      { method: 'POST', path: '/images/create', query, registryAuth: login.auth },
      signal,
    );
    for await (const frame of readFrames(answer)) if (frame.error !== undefined) throw fail(frame.error);
  } catch (error) {
    throw statusOf(error) === undefined ? error : fail(wordsOf(error), error);
  }
}

/**
 * Always something to send: `{}` asks as nobody. A credential helper that is broken is no reason not to try, since most
 * local registries ask for no login; it is told where the registry then refuses.
 */
async function registryAuth(
  env: Environment,
  host: string,
  signal: AbortSignal,
): Promise<{ readonly auth: object; readonly problem: string | undefined }> {
  try {
    return { auth: authOf(await findCredentials(env, host, signal), host), problem: undefined };
  } catch (error) {
    if (signal.aborted || error instanceof Failure) throw error;
    return { auth: {}, problem: `no credentials: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function authOf(found: Credentials | undefined, host: string): object {
  if (!found) return {};
  const { username, password, identityToken } = found;
  const serveraddress = host;
  return identityToken === undefined
    ? { username, password, serveraddress }
    : { identitytoken: identityToken, serveraddress };
}
