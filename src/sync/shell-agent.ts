import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import type { AgentLink } from './agent-link.ts';
import type { FileStep } from './file-step.ts';
import { shellAgentSource } from './shell-agent-source.ts';
import { type ShellAnswer, ShellScript } from './shell-script.ts';
import { quote } from './shell-text.ts';
import { type AgentError, type AgentProgram, mismatch, type SyncAgent } from './sync-agent.ts';

type Removal = Extract<FileStep, { kind: 'remove' }>;
type Writing = Exclude<FileStep, Removal>;

interface Job<Step extends FileStep> {
  /** Where it is in the batch. */
  readonly id: number;
  readonly step: Step;
}

/** What a file's place in the container holds: a regular file, and whose. */
interface Existing {
  readonly mode: number;
  /** `0:0` */
  readonly owner: string;
}

/** A file that is being written beside its place. */
interface Beside {
  /** Of its job. */
  readonly id: number;
  readonly job: Job<Writing>;
  readonly path: string;
  /** The folder that it is in, when it is not beside its place itself. */
  readonly stage: string | undefined;
  readonly mode: number;
  readonly owner: string;
}

/** So that paths fit in an argument list, of which 128 KiB is the least that there is, and content in little memory. */
const groupPathBytes = 2 ** 16;
const groupBytes = 2 ** 22;
/** In one folder; below it a watcher in the container is spared files that have the names of sources. */
const stagedFiles = 8;

/** For a container without node: a shell and the usual tools. */
export const shellProgram: AgentProgram = {
  name: 'sh',
  interpreters: ['sh', '/bin/sh', '/busybox/sh'],
  args: ['-c', shellAgentSource],
  greet(hello, link) {
    const [word, ...rest] = hello.split(' ');
    if (word === 'ready') return new ShellAgent(link, rest.join(' '));
    return `it has a shell, but no ${rest.join(', no ')}`;
  },
};

/**
 * Decides here what is done, and asks the shell as little as can be: what a file's place holds, then to write beside it,
 * then, when the hash of what is on the disk is that of what was sent, to rename.
 */
class ShellAgent implements SyncAgent {
  readonly user: string;
  readonly #link: AgentLink;
  readonly #tag = randomBytes(4).toString('hex');
  #besides = 0;

  constructor(link: AgentLink, user: string) {
    this.#link = link;
    this.user = user;
  }

  async apply(steps: readonly FileStep[]): Promise<readonly (AgentError | undefined)[]> {
    const errors = new Map<number, AgentError>();
    const allowed = steps.flatMap((step, id) => {
      if (isInside(step)) return [{ id, step }];
      errors.set(id, outside(step));
      return [];
    });
    for (const group of groupJobs(allowed)) await this.#applyGroup(group, errors);
    return steps.map((_, id) => errors.get(id));
  }

  async #applyGroup(jobs: readonly Job<FileStep>[], errors: Map<number, AgentError>): Promise<void> {
    const inside = await this.#look(jobs, errors);
    const besides = this.#besidesOf(inside.jobs.filter(isWriting), inside.existing);
    const removals = inside.jobs.filter((job): job is Job<Removal> => job.step.kind === 'remove');
    const vanished = await this.#write(besides, errors);
    await this.#remove([...removals, ...vanished], errors);
  }

  /** Checks the folders, makes them for what is to be written, and learns what is there. */
  async #look(
    jobs: readonly Job<FileStep>[],
    errors: Map<number, AgentError>,
  ): Promise<{ readonly jobs: readonly Job<FileStep>[]; readonly existing: ReadonlyMap<number, Existing> }> {
    const script = new ShellScript(this.#link);
    const folders = groupBy(jobs, ({ step }) => `${posix.dirname(step.to)}\0${step.root}`);
    for (const group of folders.values()) {
      const [first] = group;
      if (!first) continue;
      const make = group.some(isWriting) ? 'make' : '-';
      await script.add(
        `folder ${idsOf(group)} ${quote(posix.dirname(first.step.to))} ${quote(first.step.root)} ${make}`,
      );
    }
    const places = jobs.filter(isWriting).map(({ id, step }) => ({ id, path: step.to }));
    await script.addQuestion('owners', places);
    const answer = await script.ask();
    for (const id of answer.outside) {
      const job = jobs.find((job) => job.id === id);
      if (job) errors.set(id, outside(job.step));
    }
    note(answer, errors);
    const existing = new Map([...answer.facts].map(([id, fact]) => [id, readStat(fact)]));
    return { jobs: jobs.filter(({ id }) => !errors.has(id)), existing };
  }

  /** Many files of one folder are put into one beside them, where they have their names: then one process renames them all. */
  #besidesOf(jobs: readonly Job<Writing>[], existing: ReadonlyMap<number, Existing>): readonly Beside[] {
    return [...groupBy(jobs, ({ step }) => posix.dirname(step.to))].flatMap(([folder, group]) => {
      const fresh = () => posix.join(folder, `.~stormctl-${this.#tag}-${this.#besides++}`);
      const stage = group.length >= stagedFiles ? fresh() : undefined;
      return group.map((job) => {
        const { mode, modeChanged, to } = job.step;
        const old = existing.get(job.id);
        const kept = old?.mode ?? mode;
        return {
          id: job.id,
          job,
          stage,
          path: stage === undefined ? fresh() : posix.join(stage, posix.basename(to)),
          mode: modeChanged ? (kept & ~0o111) | (mode & 0o111) : kept,
          owner: old?.owner ?? this.user,
        };
      });
    });
  }

  /** @returns the files that had gone when they were to be sent. */
  async #write(besides: readonly Beside[], errors: Map<number, AgentError>): Promise<readonly Job<Writing>[]> {
    if (besides.length === 0) return [];
    const script = new ShellScript(this.#link);
    const stages = groupBy(
      besides.filter(({ stage }) => stage !== undefined),
      ({ stage = '' }) => stage,
    );
    const temporary = [...stages.keys(), ...besides.filter(({ stage }) => stage === undefined).map(({ path }) => path)];
    const undo = `rm -rf -- ${temporary.map(quote).join(' ')} 2>/dev/null`;
    await script.add(`undo=${quote(undo)}`);
    for (const [stage, group] of stages) await script.add(`stages ${idsOf(group)} ${quote(stage)}`);
    const sent = new Map<Beside, string>();
    for (const beside of besides) {
      const hash = await script.addFile(beside.id, beside.path, beside.mode, beside.job.step);
      if (hash !== undefined) sent.set(beside, hash);
    }
    await this.#addOwnersAndModes(script, [...sent.keys()]);
    await script.addQuestion('hashes', [...sent.keys()]);
    const answer = await script.ask();
    note(answer, errors);
    const hashes = answer.facts;
    for (const [{ id }, hash] of sent) if (!errors.has(id) && hashes.get(id) !== hash) errors.set(id, mismatch);
    await this.#place(
      [...sent.keys()].filter(({ id }) => !errors.has(id)),
      undo,
      errors,
    );
    return besides.filter((beside) => !sent.has(beside)).map(({ job }) => job);
  }

  async #place(besides: readonly Beside[], undo: string, errors: Map<number, AgentError>): Promise<void> {
    const script = new ShellScript(this.#link);
    for (const [stage, group] of groupBy(besides, ({ stage }) => stage)) {
      const each = (verb: string) =>
        group.map(({ id, path, job }) => `${verb} ${id} ${quote(path)} ${quote(job.step.to)}`).join('\n');
      if (stage === undefined) await script.add(each('place'));
      else {
        // What could not be moved with the others is tried again alone, to learn why.
        const all = `mv -f -- ${paths(group)} ${quote(posix.dirname(stage))}/ 2>/dev/null`;
        await script.add(`${each('clear')}\n${all} || {\n${each('again')}\n}`);
      }
    }
    // What could not be placed, and the folders of what was.
    await script.add(`${undo}\nundo=`);
    note(await script.ask(), errors);
  }

  /** In one process for all that get the same. Only root can give a file away; else it belongs to whom the agent runs as. */
  async #addOwnersAndModes(script: ShellScript, besides: readonly Beside[]): Promise<void> {
    const given = besides.filter(({ owner }) => owner !== this.user);
    for (const [owner, group] of groupBy(given, ({ owner }) => owner))
      await script.add(`chown ${owner} -- ${paths(group)} 2>/dev/null`);
    // chown takes setuid and setgid away, so modes come after it; a umask alone gives no executable bits.
    const special = besides.filter(({ mode }) => (mode & ~0o666) !== 0);
    for (const [mode, group] of groupBy(special, ({ mode }) => mode))
      await script.add(`mode ${idsOf(group)} ${mode.toString(8)} ${paths(group)}`);
  }

  async #remove(jobs: readonly Job<FileStep>[], errors: Map<number, AgentError>): Promise<void> {
    if (jobs.length === 0) return;
    const script = new ShellScript(this.#link);
    const all = jobs.map(({ step }) => quote(step.to)).join(' ');
    const each = jobs.map(({ id, step }) => `remove ${id} ${quote(step.to)}`).join('\n');
    await script.add(`rm -f -- ${all} 2>/dev/null || {\n${each}\n}`);
    const answer = await script.ask();
    // Where a folder on the way is a file by now, nothing is left to remove.
    const failed = new Map([...answer.errors].filter(([, { code }]) => code !== 'ENOTDIR'));
    note({ errors: failed }, errors);
  }
}

function isWriting(job: Job<FileStep>): job is Job<Writing> {
  return job.step.kind !== 'remove';
}

function isInside({ to, root }: FileStep): boolean {
  const within = to.startsWith(root === '/' ? '/' : `${root}/`);
  return posix.isAbsolute(to) && posix.normalize(to) === to && to !== root && within;
}

function outside({ to, root }: FileStep): AgentError {
  return { code: 'EOUTSIDE', message: `EOUTSIDE: ${to} is not inside ${root}` };
}

function note({ errors }: Pick<ShellAnswer, 'errors'>, all: Map<number, AgentError>): void {
  for (const [id, error] of errors) if (!all.has(id)) all.set(id, error);
}

function readStat(line: string): Existing {
  const [mode = '644', uid = '0', gid = '0'] = line.split(' ');
  return { mode: Number.parseInt(mode, 8), owner: `${uid}:${gid}` };
}

function idsOf(jobs: readonly { readonly id: number }[]): string {
  return jobs.map(({ id }) => id).join(',');
}

function paths(besides: readonly Beside[]): string {
  return besides.map(({ path }) => quote(path)).join(' ');
}

/** In their order: removals and writings apart, because a file can take the place of a folder whose files are removed before. */
function groupJobs(jobs: readonly Job<FileStep>[]): readonly (readonly Job<FileStep>[])[] {
  const groups: Job<FileStep>[][] = [];
  let room = { paths: 0, bytes: 0 };
  for (const job of jobs) {
    const { step } = job;
    const bytes = step.kind === 'write' ? step.bytes.length : step.kind === 'stream' ? groupBytes : 0;
    // Twice, with its beside; in bytes, of which a character can have three.
    const pathBytes = step.to.length * 6 + 64;
    room = { paths: room.paths - pathBytes, bytes: room.bytes - bytes };
    const last = groups.at(-1);
    if (last && last[0] && isWriting(last[0]) === isWriting(job) && room.paths >= 0 && room.bytes >= 0) {
      last.push(job);
    } else {
      groups.push([job]);
      room = { paths: groupPathBytes - pathBytes, bytes: groupBytes - bytes };
    }
  }
  return groups;
}

function groupBy<T, Key>(items: readonly T[], keyOf: (item: T) => Key): ReadonlyMap<Key, readonly T[]> {
  const groups = new Map<Key, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
