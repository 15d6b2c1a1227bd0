import type { FileFailure } from './container-channel.ts';

/** Why a container refused a file, in its own words, and what mends it. */
export interface Explanation {
  readonly because: string;
  readonly next: string | undefined;
}

/** @param user whom the container's processes run as: `1000:1000`. */
export function explainFailure({ code, message, owner, root }: FileFailure, user: string): Explanation {
  switch (code) {
    case 'EACCES':
    case 'EPERM': {
      const whose = owner ? ` and ${owner.folder} belongs to ${owner.uid}:${owner.gid}` : '';
      return {
        because: `${message} (it runs as ${user}${whose})`,
        next: `give it the files in the Dockerfile: COPY --chown=${user} … ${root}`,
      };
    }
    case 'EROFS':
      return {
        because: message,
        next: `its root file system is read-only: mount an emptyDir at ${root}, or leave readOnlyRootFilesystem out where it is developed`,
      };
    case 'ENOSPC':
    case 'EDQUOT':
      return { because: message, next: `make room on its node, or raise the size limit of the volume at ${root}` };
    case 'EOUTSIDE':
      return {
        because: message,
        next: 'a symbolic link in the container leads out of the rule: sync to where it leads',
      };
    default:
      return { because: message, next: undefined };
  }
}
