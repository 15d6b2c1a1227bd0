import { readFile, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { isHeredoc, parseDockerfile } from '../context/parse-dockerfile.ts';
import { needsRestart } from './needs-restart.ts';
import { pulledImagesOf, repositoryOf } from '../manifests/images.ts';
import type { KubeObject } from '../objects.ts';

export interface FoundService {
  readonly name: string;
  /** As the manifests write it, without tag. */
  readonly image: string;
  /** Relative to the root; `.` for the root itself. */
  readonly context: string;
  /** Relative to the context. */
  readonly dockerfile: string;
  /** Whether its program has to be started anew before it runs what is synced. */
  readonly restarts: boolean;
}

export interface MatchedServices {
  readonly services: readonly FoundService[];
  /** Dockerfiles whose image no manifest seems to use. */
  readonly unmatched: readonly string[];
}

interface Match {
  readonly dockerfile: string;
  readonly image: string;
  readonly score: number;
}

/**
 * Finds which Dockerfile builds which image of the manifests, by name: of its folder, or of the file
 * (`web.Dockerfile`, `Dockerfile.web`). One Dockerfile and one image without a version that are left over belong together.
 */
export async function matchServices(
  root: string,
  dockerfiles: readonly string[],
  objects: readonly KubeObject[],
): Promise<MatchedServices> {
  const references = objects.flatMap((object) => pulledImagesOf(object).map(({ image }) => image));
  const images = [...new Set(references.map(repositoryOf))];
  const chosen = new Map<string, string>();
  const isFree = ({ dockerfile, image }: Match) => !chosen.has(dockerfile) && ![...chosen.values()].includes(image);
  for (const match of allMatches(root, dockerfiles, images))
    if (isFree(match)) chosen.set(match.dockerfile, match.image);

  const left = dockerfiles.filter((dockerfile) => !chosen.has(dockerfile));
  const own = images.filter((image) => ![...chosen.values()].includes(image) && isOwn(image, references));
  if (left.length === 1 && own.length === 1 && left[0] !== undefined && own[0] !== undefined)
    chosen.set(left[0], own[0]);

  const services = await Promise.all(
    [...chosen].map(async ([dockerfile, image]) => {
      const build = await findContext(root, dockerfile);
      return { image, ...build, restarts: await needsRestart(root, build, image, objects) };
    }),
  );
  return {
    services: withNames(services),
    unmatched: dockerfiles.filter((dockerfile) => !chosen.has(dockerfile)),
  };
}

function allMatches(root: string, dockerfiles: readonly string[], images: readonly string[]): readonly Match[] {
  return dockerfiles
    .flatMap((dockerfile) =>
      images.map((image) => ({ dockerfile, image, score: likeness(nameOf(root, dockerfile), lastPart(image)) })),
    )
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score);
}

/** @returns what a Dockerfile is called: `web` of `web.Dockerfile`, `Dockerfile.web` and `services/web/Dockerfile`. */
function nameOf(root: string, dockerfile: string): string {
  const file = posix.basename(dockerfile);
  const own = /^Dockerfile\.(.+)$/.exec(file)?.[1] ?? /^(.+)\.[Dd]ockerfile$/.exec(file)?.[1];
  // `Dockerfile.dev` is a variant of the folder's own, and not a service.
  if (own !== undefined && !/^(dev|development|prod|production|test|local)$/.test(own)) return own;
  return posix.basename(posix.dirname(dockerfile) === '.' ? root : posix.dirname(dockerfile));
}

/** 3: the same name; 2: but for case and dashes; 1: one is the other with a word more, like `user` and `user-service`. */
function likeness(a: string, b: string): number {
  if (a === b) return 3;
  const [left, right] = [a, b].map((name) =>
    name
      .toLowerCase()
      .split(/[^a-z0-9]+/)
      .filter(Boolean),
  );
  if (!left || !right || left.length === 0 || right.length === 0) return 0;
  if (left.join('') === right.join('')) return 2;
  const [short, long] = left.length < right.length ? [left, right] : [right, left];
  return short.every((word) => long.includes(word)) ? 1 : 0;
}

function lastPart(image: string): string {
  return image.slice(image.lastIndexOf('/') + 1);
}

/** An image that is built here has no version: it stands without a tag, or with one that moves. */
function isOwn(image: string, references: readonly string[]): boolean {
  return references
    .filter((reference) => repositoryOf(reference) === image)
    .every((reference) => reference === image || /:(latest|dev|local)$/.test(reference));
}

/** The nearest folder, from the Dockerfile's own upwards, that has everything that is copied from the context. */
async function findContext(root: string, dockerfile: string): Promise<Pick<FoundService, 'context' | 'dockerfile'>> {
  const sources = copiedPaths(await readFile(join(root, dockerfile), 'utf8'));
  const own = posix.dirname(dockerfile);
  for (let folder = own; ; folder = posix.dirname(folder)) {
    const present = await Promise.all(sources.map((source) => exists(join(root, folder, source))));
    if (present.every(Boolean)) return { context: folder, dockerfile: posix.relative(folder, dockerfile) };
    if (folder === '.') return { context: own, dockerfile: posix.basename(dockerfile) };
  }
}

/** @returns the sources of COPY and ADD that come from the context and are named in full. */
function copiedPaths(content: string): readonly string[] {
  return parseDockerfile(content).instructions.flatMap(({ keyword, flags, words }) => {
    if ((keyword !== 'COPY' && keyword !== 'ADD') || flags.some(({ name }) => name === 'from')) return [];
    return words.slice(0, -1).filter((word) => !isHeredoc(word) && !/[*?[\]$"']|:\/\/|^git@/.test(word));
  });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function withNames(found: readonly Omit<FoundService, 'name'>[]): readonly FoundService[] {
  const taken = new Set<string>();
  return [...found]
    .sort((a, b) => (a.image < b.image ? -1 : 1))
    .map((each) => {
      const { image } = each;
      const short = lastPart(image);
      const name = taken.has(short) ? image.replaceAll(/[/:]/g, '-') : short;
      taken.add(name);
      return { name, ...each };
    });
}
