import type { Reporter } from '../events.ts';
import { HashCache } from '../images/hash-cache.ts';
import { ImageCache } from '../images/image-cache.ts';
import type { OnRead } from '../lib/on-read.ts';
import { stateFolderOf } from '../lib/state-folder.ts';
import type { Project } from '../project.ts';

/** What building remembers: in the process the hashes of files, in `.stormctl/` which inputs gave which image. */
export interface Workshop {
  readonly images: ImageCache;
  readonly hashes: HashCache;
  readonly report: Reporter;
  /** Of what goes into images. */
  readonly onRead: OnRead | undefined;
}

export async function openWorkshop(project: Project, report: Reporter, onRead?: OnRead): Promise<Workshop> {
  return { images: await ImageCache.open(stateFolderOf(project.root)), hashes: new HashCache(), report, onRead };
}
