import { Failure, isAbort } from '../errors.ts';
import { stringifyJson } from '../lib/json.ts';
import { LinkedSignal } from '../lib/abort.ts';
import { withQuery } from './api-path.ts';
import type { KubeRequest } from './kube.ts';
import { type Transport, readAll } from './transport.ts';
import { nameOf } from './unreachable.ts';

/** The media type of server-side apply. */
const applyPatch = 'application/apply-patch+yaml';

/** @see Kube.request */
export async function requestJson<T>(transport: Transport, request: KubeRequest): Promise<T> {
  const timeoutMs = request.timeoutMs ?? 30_000;
  using deadline = new LinkedSignal(request.signal);
  let expired = false;
  const timer = setTimeout(() => {
    expired = true;
    deadline.abort(undefined);
  }, timeoutMs);
  try {
    return await ask<T>(transport, request, deadline.signal);
  } catch (error) {
    if (!expired || !isAbort(error) || request.signal?.aborted) throw error;
    throw new Failure('unreachable', `${nameOf(transport.target)} did not answer within ${timeoutMs / 1000} s`, {
      where: `${request.method} ${request.path}`,
      next: `see whether it answers: kubectl --context ${transport.target.context} get --raw /readyz`,
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

async function ask<T>(transport: Transport, request: KubeRequest, signal: AbortSignal): Promise<T> {
  const { method, body, contentType = 'application/json', accept = 'application/json' } = request;
  const answer = await transport.open(
    {
      method,
      path: withQuery(request.path, request.query ?? {}),
      headers: { accept, ...(body === undefined ? {} : { 'content-type': contentType }) },
      // JSON is YAML too, so an apply patch is sent as JSON.
      body: body === undefined || typeof body === 'string' ? body : stringifyJson(body),
      repeatable: method === 'GET' || (method === 'PATCH' && contentType === applyPatch),
    },
    signal,
  );
  request.onStatus?.(answer.status);
  const text = (await readAll(answer.body)).toString('utf8');
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new Failure('unreachable', `${nameOf(transport.target)} answered with something that is not JSON`, {
      where: `${method} ${request.path}`,
      detail: `${answer.contentType}: ${text.slice(0, 300)}`,
      next: 'is this the address of an API server? A proxy or a login page may stand before it',
      cause,
    });
  }
}
