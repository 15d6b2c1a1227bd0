import type { FailureKind } from './errors.ts';
import type { ObjectId } from './objects.ts';

/**
 * Everything that a command tells while it runs. Rooms report what happened; `terminal/` alone decides how it looks, as
 * lines for people or, with `-o json`, as one JSON object a line: these shapes are that format (docs/json.md), so a
 * change here is a change of a public interface. Durations are milliseconds. No report carries a secret's value.
 */
export type Report =
  | SessionReport
  | BuildReport
  | DeployReport
  | LoopReport
  | ForwardReport
  | LogReport
  | LogGapReport
  | LogRecoveredReport
  | NoticeReport;

/**
 * The version of these shapes, in every line. It is raised by what breaks a reader: a field or a type that goes, or that
 * means something else. What is added does not raise it.
 */
export const reportVersion = 1;

export type Reporter = (report: Report) => void;

/**
 * Whether reports wait to be read: undefined while there is room for more, else what resolves when there is, or when
 * nobody reads them any more. Who reports what it reads elsewhere awaits it in between: then a slow reader (a pager, a
 * pipe) slows that reading, and nothing piles up here.
 */
export type Drained = () => Promise<void> | undefined;

/** Told whose lines are about to be read, before the first of them: how a source is named depends on how many pods it has. */
export type ExpectPod = (pod: Pick<LogReport, 'source' | 'namespace' | 'pod'>) => void;

export type SessionReport =
  | { readonly type: 'session.started'; readonly project: string; readonly context: string; readonly namespace: string }
  /** What the session looks after; again when the manifests change it. */
  | { readonly type: 'session.services'; readonly services: readonly SessionService[] }
  | { readonly type: 'session.ready'; readonly ms: number; readonly urls: readonly Endpoint[]; readonly onExit: string }
  | { readonly type: 'session.ending'; readonly because: string }
  /** `kept`: what was applied runs on, as the config wants it. */
  | { readonly type: 'session.ended'; readonly left: readonly string[]; readonly kept?: true }
  | SessionSummary
  /** The engine, registry or cluster went away, or the access to it, or came back. */
  | {
      readonly type: 'session.lost';
      readonly what: string;
      readonly cause: string;
      /** What a person has to do before it comes back: log in. */
      readonly next?: string | undefined;
      /** It is there, and has too much to do; when it goes then, that is told once more, without this. */
      readonly busy?: true;
    }
  | { readonly type: 'session.resumed'; readonly what: string; readonly ms: number; readonly busy?: true };

/** What a session did from its beginning to its end, all configs that it ran with together. */
export interface SessionSummary {
  readonly type: 'session.summary';
  /** How long it was. */
  readonly ms: number;
  /** From its beginning until everything was ready for the first time; undefined: it never was. */
  readonly readyMs: number | undefined;
  /** Those that ended well; `cached`: how many of them had nothing to build and are not in the times. */
  readonly builds: Timed & { readonly cached: number; readonly aborted: number };
  /** From the save, or the key that asked for it, to the new image running. */
  readonly rebuilt: Timed;
  /** From the save to being in every container; `files`: all of them together. */
  readonly synced: Timed & { readonly files: number };
  readonly restarted: Timed;
  /** How many objects the applies created, changed and pruned. */
  readonly applied: { readonly created: number; readonly changed: number; readonly pruned: number };
  /** How many objects the end took away, and how many it left because they may hold data or are asked for by name. */
  readonly deleted: number;
  readonly kept: number;
  readonly failures: readonly { readonly kind: FailureKind; readonly count: number }[];
  readonly warnings: number;
  /** How often the engine or the cluster went away, and for how long in all as far as it came back. */
  readonly outages: { readonly count: number; readonly ms: number };
  readonly logLines: number;
  /** How often logs were taken up again after a cut, how many lines that brought, and how often some stayed away. */
  readonly logCuts: { readonly reconnects: number; readonly recovered: number; readonly gaps: number };
  /** Connections through forwarded ports. */
  readonly connections: number;
  readonly refusedConnections: number;
}

/** How often something was done, and how fast. */
export interface Timed {
  readonly count: number;
  /** Within 2 %; undefined when `count` is 0. */
  readonly medianMs: number | undefined;
  readonly slowestMs: number | undefined;
  /** The service of the slowest. */
  readonly slowest: string | undefined;
}

export interface SessionService {
  readonly name: string;
  /** Whether the command line asked for it: the others are deployed with their last image. */
  readonly selected: boolean;
  /** The objects of the manifests that run its image. */
  readonly objects: readonly ObjectId[];
}

/** Something that a person can open: a forward or a NodePort. */
export interface Endpoint {
  readonly name: string;
  readonly url: string;
}

export type BuildReport =
  | { readonly type: 'build.started'; readonly service: string; readonly because: string }
  | {
      readonly type: 'build.step';
      readonly service: string;
      readonly step: string;
      readonly cached: boolean;
      readonly ms: number;
    }
  | { readonly type: 'build.output'; readonly service: string; readonly line: string }
  /** `cached`: nothing had to be built, the image was there. */
  | {
      readonly type: 'build.done';
      readonly service: string;
      readonly image: string;
      readonly cached: boolean;
      readonly ms: number;
    }
  | { readonly type: 'build.aborted'; readonly service: string; readonly because: string }
  | {
      readonly type: 'ship.done';
      readonly service: string;
      readonly image: string;
      readonly how: 'push' | 'load' | 'present';
      readonly ms: number;
    };

export type DeployReport =
  | {
      readonly type: 'deploy.applied';
      readonly created: readonly ObjectId[];
      readonly changed: readonly ObjectId[];
      /** Those of `changed` that were deleted and made again. */
      readonly replaced: readonly ObjectId[];
      readonly unchanged: number;
      readonly pruned: readonly ObjectId[];
      readonly ms: number;
    }
  /** Its pods are made anew, because what they use of these changed: ConfigMaps and Secrets. */
  | { readonly type: 'deploy.restarts'; readonly object: ObjectId; readonly because: readonly ObjectId[] }
  /**
   * Why an object is not ready, in one line; reported when the reason changes. `usual`: a step on the way that every start
   * takes; it is reported again, as not usual, when it lasts.
   */
  | {
      readonly type: 'deploy.waiting';
      readonly object: ObjectId;
      readonly because: string;
      /** What it has come to, in a few words: `crash loop, exit 1, 5 restarts`. */
      readonly brief?: string;
      readonly usual: boolean;
    }
  | { readonly type: 'deploy.ready'; readonly object: ObjectId; readonly ms: number }
  | { readonly type: 'deploy.deleted'; readonly object: ObjectId }
  | { readonly type: 'deploy.kept'; readonly object: ObjectId; readonly because: string };

export type LoopReport =
  /** What a batch of changed files leads to for one service, and the rule or Dockerfile line behind it. */
  | {
      readonly type: 'loop.decided';
      readonly service: string | undefined;
      readonly action: 'sync' | 'rebuild' | 'redeploy' | 'reload' | 'ignore';
      readonly paths: readonly string[];
      readonly because: string;
    }
  | {
      readonly type: 'sync.done';
      readonly service: string;
      readonly files: number;
      readonly containers: number;
      readonly ms: number;
      /**
       * What `afterSync` did in all of them, if the service has one: `ms` until it was done, `readyMs` until the readiness
       * probe passed, both from when it was begun; undefined where no probe can be asked.
       */
      readonly after?: AfterDone | undefined;
    }
  /** A line that the command of `afterSync` printed. */
  | {
      readonly type: 'sync.output';
      readonly service: string;
      readonly pod: string;
      readonly container: string;
      readonly line: string;
    }
  /** `ms`: from the save to the new image running. */
  | { readonly type: 'loop.rebuilt'; readonly service: string; readonly ms: number }
  /** A build gave the image that runs already. */
  | { readonly type: 'loop.unchanged'; readonly service: string }
  /**
   * Changed files that nothing is done about yet, all of them that wait: for a service (`trigger: manual`, `--no-build`),
   * or for the session while it is paused. `next`: what a person can do.
   */
  | {
      readonly type: 'loop.held';
      readonly service: string | undefined;
      readonly paths: readonly string[];
      readonly because: string;
      readonly next: string | undefined;
    }
  | { readonly type: 'loop.restarting'; readonly service: string }
  | { readonly type: 'loop.restarted'; readonly service: string; readonly ms: number }
  | { readonly type: 'loop.paused' }
  /** `files`: how many changed meanwhile, and are decided now. */
  | { readonly type: 'loop.resumed'; readonly files: number };

export interface AfterDone {
  readonly action: 'exec' | 'signal' | 'restart';
  readonly ms: number;
  readonly readyMs: number | undefined;
}

export type ForwardReport =
  /** `because`: why it is not the port that one expects; `late`: it was not one of those that were opened first. */
  | {
      readonly type: 'forward.listening';
      readonly to: string;
      readonly port: number | string;
      readonly address: string;
      readonly local: number;
      readonly url: string;
      readonly because?: string | undefined;
      readonly late?: boolean | undefined;
    }
  /** What led to it is no longer in the config or the manifests. */
  | {
      readonly type: 'forward.closed';
      readonly to: string;
      readonly port: number | string;
      readonly address: string;
      readonly local: number;
    }
  /** How many `connections` a port has served that is closed now; told of those that had any. */
  | {
      readonly type: 'forward.served';
      readonly to: string;
      readonly port: number | string;
      readonly local: number;
      readonly connections: number;
    }
  /** Everything that `stormctl forward` opens is open. */
  | { readonly type: 'forward.ready'; readonly urls: readonly Endpoint[] }
  /** `times`: how many clients since the last such line. */
  | {
      readonly type: 'forward.refused';
      readonly to: string;
      readonly port: number | string;
      readonly local: number;
      readonly because: string;
      readonly times: number;
    };

/** One line of one container, without its newline. */
export interface LogReport {
  readonly type: 'log';
  /** The service, or the workload where no service builds its image. */
  readonly source: string;
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** Whether it is an init container. */
  readonly init?: true;
  /** When the container wrote it: RFC 3339 with nanoseconds, as the kubelet stamps it. */
  readonly stamp: string;
  readonly line: string;
  /** Of a line that is structured (JSON, logfmt), with `-o json`: what its level means, its message, and its other fields: those of objects within by names with dots, `err.stack`. */
  readonly level?: LogLevel;
  readonly message?: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** From the least urgent on. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/**
 * Lines of a container that can't be told any more: while the connection was cut, its node dropped them (a log is rotated,
 * a pod or an older run of it is removed). Whether there were any, nobody knows.
 */
interface LogGapReport {
  readonly type: 'log.gap';
  readonly source: string;
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** The stamp of the last line before the gap. */
  readonly from: string;
  /** The stamp of the first line after it; undefined: none came any more, or none yet. */
  readonly to: string | undefined;
}

/** Streams of logs that were cut are taken up again, and what was printed meanwhile is told. */
interface LogRecoveredReport {
  readonly type: 'log.recovered';
  /** Where all of it is of one. */
  readonly source: string | undefined;
  /** How many lines the cut had kept back. */
  readonly lines: number;
}

/** What a person asks a session for while it runs. `service` undefined: all of them. */
export type Asked =
  | { readonly type: 'rebuild'; readonly service: string | undefined }
  | { readonly type: 'restart'; readonly service: string | undefined }
  | { readonly type: 'redeploy' }
  /** Watching goes on or off, whichever it is not. */
  | { readonly type: 'pause' }
  | { readonly type: 'open'; readonly url: string };

type NoticeReport =
  /** What became of something that a person asked for: told even where little is. */
  | { readonly type: 'answer'; readonly service?: string | undefined; readonly text: string }
  /** Something that a person wants to know and need not act on. */
  | { readonly type: 'note'; readonly service?: string | undefined; readonly text: string }
  | {
      readonly type: 'warning';
      readonly service?: string | undefined;
      readonly text: string;
      readonly next?: string | undefined;
    }
  /** A failure that the session survives: a state of one service, or of the session where none is named. */
  | {
      readonly type: 'failed';
      readonly service?: string | undefined;
      /** The object that the cluster did not take: it is tried again by the next apply. */
      readonly refused?: ObjectId | undefined;
      readonly kind: FailureKind;
      readonly message: string;
      readonly where?: string | undefined;
      readonly detail?: string | undefined;
      readonly next?: string | undefined;
    };
