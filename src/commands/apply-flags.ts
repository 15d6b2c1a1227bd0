import { Flags } from '@oclif/core';

/** Of the commands that apply. */
export const applyFlags = {
  'force-conflicts': Flags.boolean({
    description:
      'take over fields of the manifests that somebody else set in the cluster (kubectl scale, an autoscaler)',
  }),
};

/** Of the commands that end: what left the manifests and is kept unless it is asked for. */
export const pruneFlags = pruneFlagsThat('delete');

/** Of `diff`: the same as of an apply, where nothing is written. */
export const forcePreviewFlags = {
  'force-conflicts': Flags.boolean({ description: 'show what `run --force-conflicts` would change' }),
};

/** Of `diff`: the same, where nothing is deleted. */
export const prunePreviewFlags = pruneFlagsThat('show as deleted');

function pruneFlagsThat(verb: string) {
  return {
    volumes: Flags.boolean({
      description: `${verb} claims and volumes that left the manifests too, and the data in them`,
    }),
    namespaces: Flags.boolean({
      description: `${verb} namespaces that left the manifests too, if nothing else is in them`,
    }),
    crds: Flags.boolean({
      description: `${verb} definitions that left the manifests too, if nobody else has objects of their kinds`,
    }),
  };
}
