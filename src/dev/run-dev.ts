import { isAbort } from '../errors.ts';
import { openForwards } from '../forward/open-forwards.ts';
import { Scope } from '../lib/scope.ts';
import { RenderMemory } from '../manifests/render-memory.ts';
import type { Project } from '../project.ts';
import { maskReports } from '../up/mask-reports.ts';
import { SessionRecord } from '../up/record.ts';
import { Desk } from './desk.ts';
import { Remotes } from './remotes.ts';
import { restrain, tellRestraints } from './restraints.ts';
import { endSession, takeDown } from './session-end.ts';
import { openSession, type Session } from './session.ts';
import type { SessionOptions, Shared } from './session-options.ts';
import { tellFailure } from './tell-failure.ts';
import { ToldLogs } from './told-logs.ts';

/** How a session ended that had begun, or why it could not begin. */
type SessionEnd =
  | { readonly kind: 'ended' }
  | { readonly kind: 'reconfigured'; readonly project: Project; readonly at: At }
  | { readonly kind: 'notBegun'; readonly error: unknown };

/** The cluster of a session, and the context that led to it. */
type At = Pick<SessionOptions, 'context' | 'expected'>;

/**
 * `stormctl dev`: brings the project up and keeps it equal to the tree until the signal is aborted; then takes down what
 * it applied, unless the config says keep. Resolves when nothing of the session is left running here.
 *
 * @throws Failure for what is wrong before the first write.
 */
export async function runDev(options: SessionOptions): Promise<void> {
  await using record = new SessionRecord(options.report);
  const load = async () => {
    const project = await options.load();
    record.keep(project);
    return project;
  };
  await runSessions({ ...options, load, report: maskReports(record.report, options.mask) });
}

/** One session after the other, each with the config as it is then. */
async function runSessions(options: SessionOptions): Promise<void> {
  const { report, signal } = options;
  const load = async () => restrain(await options.load(), options.restraints);
  const desk = new Desk(report, signal);
  await using scope = new Scope();
  // Ports and connections outlive a session that ends because the config was changed.
  const forwards = scope.own(openForwards({ report }));
  const renders = new RenderMemory();
  const remotes = new Remotes(report);
  const shared: Omit<Shared, 'isFirst'> = { ...options, load, told: new ToldLogs(), desk, forwards, renders, remotes };
  const { asked } = options;
  if (asked)
    scope.run(
      (abort) => desk.read(asked, abort),
      (error) => tellFailure(report, error),
    );
  let project = await load();
  tellRestraints(options.restraints, report);
  let last: Project | undefined;
  let at: At = options;
  for (;;) {
    const end = await runSession(project, { ...shared, ...atOf(project, at, options), isFirst: last === undefined });
    if (end.kind === 'ended') return;
    if (end.kind === 'reconfigured') {
      last = project;
      ({ project, at } = end);
      continue;
    }
    if (!last) throw end.error;
    // What the session before applied still stands.
    if (signal.aborted) return takeDown(last, { ...options, ...atOf(last, at, options) }, signal.reason);
    if (project === last) throw end.error;
    tellFailure(report, end.error);
    report({ type: 'note', text: 'back to the config as it was' });
    project = last;
  }
}

/**
 * A session stays with the cluster that it began with, whatever the current context has become, as long as its config does
 * not name another one.
 */
function atOf({ cluster }: Project, at: At, asked: SessionOptions): At {
  const { context, expected } = cluster.context === undefined || cluster.context === at.context ? at : asked;
  return { context, expected };
}

/** Ends, too, when the config was changed: the next session brings the cluster where the new one says. */
async function runSession(project: Project, options: Shared): Promise<SessionEnd> {
  // Not the signal's: logs and forwards live until the teardown has ended.
  await using scope = new Scope();
  let session: Session;
  try {
    session = await openSession(project, options, scope);
  } catch (error) {
    return { kind: 'notBegun', error };
  }
  const { report, signal } = options;
  try {
    using _ = options.desk.open(session.loop);
    const fresh = await session.loop.run();
    options.told.stop();
    if (!isSamePlace(project, fresh)) {
      await options.forwards.cut();
      await endSession(project, session.site, report, new Error('the config names another place'));
    }
    const { kube, identity } = session.site;
    return { kind: 'reconfigured', project: fresh, at: { context: kube.target.context, expected: identity } };
  } catch (error) {
    // What stands in the cluster is another session's, or of another cluster: nothing of it is taken down.
    if (session.stopped.aborted) throw session.stopped.reason;
    if (!isAbort(error) || !signal.aborted) throw error;
  }
  await endSession(project, session.site, report, signal.reason);
  return { kind: 'ended' };
}

/** Whether what one config applied is what the other one updates. */
function isSamePlace(a: Project, b: Project): boolean {
  return a.name === b.name && a.cluster.namespace === b.cluster.namespace && a.cluster.context === b.cluster.context;
}
