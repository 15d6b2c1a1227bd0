import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ArchiveFile } from '../archive/archive-file.ts';
import { redactedLines } from '../archive/redacted-lines.ts';
import { Redaction } from '../archive/redaction.ts';
import { connectEngine } from '../engine/connect-engine.ts';
import { isAbort } from '../errors.ts';
import { sessionLogNames } from '../history/session-log.ts';
import type { Kube } from '../kube/kube.ts';
import { emptyIfGone, undefinedIfGone } from '../lib/if-gone.ts';
import type { Mask } from '../lib/mask.ts';
import { stateFolderOf } from '../lib/state-folder.ts';
import { renderYaml } from '../manifests/render-yaml.ts';
import type { KubeObject } from '../objects.ts';
import type { Project } from '../project.ts';
import { archiveCluster, type ClusterPart } from './archive-cluster.ts';
import type { Archiving, Problem } from './archiving.ts';
import { planProject } from './plan-project.ts';
import { historyFolder } from './record.ts';

export interface ArchiveOptions {
  readonly project: Project;
  /** Absolute. */
  readonly file: string;
  readonly mayReplace: boolean;
  /** Opens the cluster; what it throws is a problem like any other. */
  readonly openCluster: () => Promise<Kube>;
  readonly context: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly mask: Mask;
  /** Of stormctl. */
  readonly version: string;
  readonly signal: AbortSignal;
}

export interface Archived extends ClusterPart {
  readonly file: string;
  readonly bytes: number;
  readonly entries: number;
  readonly problems: readonly Problem[];
}

/**
 * Writes down all that is known of a project, for a bug report: what its pods printed and its objects say, what its
 * manifests render to, and what sessions kept here. The values of its Secrets are masked everywhere. What can't be read is
 * noted and left out.
 *
 * @throws Failure `usage` when the archive can't be written; AbortError.
 */
export async function archiveProject(options: ArchiveOptions): Promise<Archived> {
  const { file, mayReplace, mask, signal } = options;
  // Of what goes to others everything is masked, whatever is shown here.
  const project = { ...options.project, logs: { ...options.project.logs, mask: true } };
  await using archive = await ArchiveFile.create(file, folderOf(project.name, new Date()), mayReplace);
  const problems: Problem[] = [];
  const redaction = new Redaction(mask);
  const archiving: Archiving = {
    archive,
    redaction,
    signal,
    attempt: async (what, work) => {
      signal.throwIfAborted();
      try {
        return await work();
      } catch (error) {
        if (isAbort(error) || archive.isBroken) throw error;
        problems.push({ what, why: redaction.text(error instanceof Error ? error.message : String(error)) });
        return undefined;
      }
    },
  };
  const { attempt } = archiving;
  // Its Secrets are those that the mask has to know before anything else is written.
  const manifests = await attempt('the manifests', () => render(project, options));
  if (manifests) redaction.learn(manifests);
  const part = await archiveCluster({ ...archiving, project, open: options.openCluster });
  if (manifests)
    await archive.addText('manifests.yaml', renderYaml(manifests.map((object) => redaction.object(object))));
  await attempt('the config', () => addFile(archiving, basename(project.file), project.file));
  await addKept(project, archiving);
  const engine = await attempt('the version of the engine', () => engineVersion(options));
  const { entries } = archive;
  const facts = {
    stormctl: options.version,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    engine,
    kubernetes: part.version,
    project: project.name,
    environment: project.environment,
    namespaces: part.namespaces,
    problems,
    files: entries,
  };
  await archive.addText('index.json', `${JSON.stringify(facts, undefined, 2)}\n`);
  return { file, ...part, bytes: await archive.finish(), entries: entries.length, problems };
}

async function render(project: Project, { env, mask, signal }: ArchiveOptions): Promise<readonly KubeObject[]> {
  const plan = await planProject({ project, selection: [], env, mask, signal }, 'run');
  return plan.objects.map(({ object }) => object);
}

/** What sessions kept on this machine. */
async function addKept(project: Project, archiving: Archiving): Promise<void> {
  const logs = historyFolder(project);
  const names = await archiving.attempt('the history', () => readdir(logs).catch(emptyIfGone));
  const files = [
    ...sessionLogNames.map((name) => [name, join(stateFolderOf(project.root), name)] as const),
    ...(names ?? []).map((name) => [`history/${name}`, join(logs, name)] as const),
  ];
  for (const [path, file] of files)
    await archiving.attempt(path, () => addFile(archiving, path, file).catch(undefinedIfGone));
}

async function addFile({ archive, redaction, signal }: Archiving, path: string, file: string): Promise<void> {
  await archive.addStream(path, redactedLines(createReadStream(file, { signal }), redaction));
}

async function engineVersion({ env, signal }: ArchiveOptions): Promise<string> {
  await using engine = connectEngine(env);
  return (await engine.ping(signal)).version;
}

/** @returns `storm-20260131T120000Z`. */
function folderOf(project: string, now: Date): string {
  return `${project.replaceAll(/[^\w.-]/g, '-')}-${now.toISOString().replaceAll(/[-:]|\.\d+/g, '')}`;
}
