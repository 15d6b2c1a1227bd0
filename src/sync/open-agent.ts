import type { ExecSession, Kube } from '../kube/kube.ts';
import { AgentLink } from './agent-link.ts';
import { type EndedOpening, judgeEnd, judgeRefusal, quoteWords } from './channel-end.ts';
import type { AgentProgram, SyncAgent } from './sync-agent.ts';
import type { SyncTarget } from './sync-target.ts';

export interface OpenAgent {
  readonly kind: 'open';
  readonly link: AgentLink;
  readonly agent: SyncAgent;
}

/**
 * Starts a program in a container, by the first of its interpreters that is there. `absent`: none is.
 *
 * @param helloMs how long it may be silent when it has started.
 * @throws AbortError on abort.
 */
export async function openAgent(
  kube: Kube,
  target: SyncTarget,
  program: AgentProgram,
  signal: AbortSignal,
  helloMs: number,
): Promise<OpenAgent | EndedOpening> {
  for (const interpreter of program.interpreters) {
    const opening = await start(kube, target, { ...program, interpreters: [interpreter] }, signal, helloMs);
    if (opening.kind !== 'absent') return opening;
  }
  return { kind: 'absent' };
}

async function start(
  kube: Kube,
  { namespace, pod, container }: SyncTarget,
  program: AgentProgram,
  signal: AbortSignal,
  helloMs: number,
): Promise<OpenAgent | EndedOpening> {
  signal.throwIfAborted();
  const life = new AbortController();
  const abort = () => life.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    const command = [...program.interpreters, ...program.args];
    const session = await kube.exec({ namespace, pod, container, command, stdin: true }, life.signal);
    const opening = await meet(session, life, program, helloMs);
    if (opening.kind === 'open' && signal.aborted) await opening.link[Symbol.asyncDispose]();
    signal.throwIfAborted();
    return opening;
  } catch (error) {
    signal.throwIfAborted();
    return judgeRefusal(error);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

async function meet(
  session: ExecSession,
  life: AbortController,
  program: AgentProgram,
  helloMs: number,
): Promise<OpenAgent | EndedOpening> {
  const link = new AgentLink(session, life);
  const silence = `${program.name} started and said nothing for ${helloMs / 1000} s`;
  const hello = await waitForHello(link, helloMs, silence);
  const agent = hello === undefined ? undefined : program.greet(hello, link);
  if (agent !== undefined && typeof agent !== 'string') return { kind: 'open', link, agent };
  const { brokenBecause } = link;
  await link[Symbol.asyncDispose]();
  if (agent !== undefined) return { kind: 'unable', because: agent };
  if (brokenBecause === silence) return { kind: 'unable', because: silence + quoteWords(link.words) };
  return judgeEnd(await session.ended, link.words, program.name);
}

/** @returns undefined when the session ended, or was ended, before it. */
async function waitForHello(link: AgentLink, limitMs: number, silence: string): Promise<string | undefined> {
  using _ = link.expectMessages(limitMs, silence);
  try {
    return await link.next();
  } catch {
    return undefined;
  }
}
