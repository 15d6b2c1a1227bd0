import { readdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { kustomizationNames } from '../project.ts';

/** What a walk of the tree turns up; paths are relative to its root, `/` separated, in order. */
export interface FoundFiles {
  readonly dockerfiles: readonly string[];
  /** Folders that hold a kustomization file. */
  readonly kustomizations: readonly string[];
  /** Folders that hold a Chart.yaml; not those of charts within them. */
  readonly charts: readonly string[];
  /** Every other YAML file; those of Helm charts are left out, because they are templates. */
  readonly yamls: readonly string[];
}

/** Deeper than any repository keeps a Dockerfile on purpose. */
const maxDepth = 8;

/** Walks the tree below `root`, except `node_modules` and folders whose name begins with a dot. Links are not followed. */
export async function findFiles(root: string): Promise<FoundFiles> {
  const dockerfiles: string[] = [];
  const kustomizations: string[] = [];
  const charts: string[] = [];
  const yamls: string[] = [];
  const visit = async (folder: string, depth: number): Promise<void> => {
    const entries = await readdir(join(root, folder), { withFileTypes: true });
    if (entries.some(({ name }) => name === 'Chart.yaml')) {
      charts.push(folder === '' ? '.' : folder);
      return;
    }
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory()) {
        if (depth < maxDepth && entry.name !== 'node_modules' && !entry.name.startsWith('.'))
          await visit(path, depth + 1);
      } else if (!entry.isFile()) continue;
      else if (isDockerfile(entry.name)) dockerfiles.push(path);
      else if (kustomizationNames.includes(entry.name)) kustomizations.push(folder === '' ? '.' : folder);
      else if (/\.ya?ml$/.test(entry.name)) yamls.push(path);
    }
  };
  await visit('', 0);
  return { dockerfiles, kustomizations, charts, yamls };
}

function isDockerfile(name: string): boolean {
  return /^Dockerfile(\..+)?$|\.[Dd]ockerfile$/.test(name) && !name.endsWith('.dockerignore');
}
