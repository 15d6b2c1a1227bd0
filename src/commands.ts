import { Build } from './commands/build.ts';
import { ClusterCreate } from './commands/cluster-create.ts';
import { ClusterDelete } from './commands/cluster-delete.ts';
import { Delete } from './commands/delete.ts';
import { Deploy } from './commands/deploy.ts';
import { Dev } from './commands/dev.ts';
import { Diff } from './commands/diff.ts';
import { Forward } from './commands/forward.ts';
import { Init } from './commands/init.ts';
import { Logs } from './commands/logs.ts';
import { Render } from './commands/render.ts';
import { Restart } from './commands/restart.ts';
import { Run } from './commands/run.ts';
import { Status } from './commands/status.ts';
import { Sync } from './commands/sync.ts';
import { Why } from './commands/why.ts';

/** Every command by its name. The build gives each that is imported here a file of its own. */
export const COMMANDS = {
  build: Build,
  'cluster:create': ClusterCreate,
  'cluster:delete': ClusterDelete,
  delete: Delete,
  deploy: Deploy,
  dev: Dev,
  diff: Diff,
  forward: Forward,
  init: Init,
  logs: Logs,
  render: Render,
  restart: Restart,
  run: Run,
  status: Status,
  sync: Sync,
  why: Why,
};
