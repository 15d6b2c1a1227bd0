import { findNearestConfig } from '../config/find-config.ts';
import { exitCodes } from '../errors.ts';
import { holdForwards } from '../up/hold-forwards.ts';
import { openCluster, openForReading } from '../up/site.ts';
import { BaseCommand, type Invocation } from './base-command.ts';
import { load, readNamespace } from './load.ts';
import { portOffset } from './port-offset.ts';

export class Forward extends BaseCommand<typeof Forward> {
  static override summary = 'Open local ports into the cluster, without a session, until Ctrl+C.';
  static override description =
    `Without a word: the forwards of the config. SERVICE is a service of the config, a Service, a workload or a pod; \
service/, deployment/, statefulset/, daemonset/, job/ or pod/ before it (svc, deploy, sts … too) says which. PORT is a number \
or a name, LOCAL a number or auto, PORT alone is both; without a PORT all that it has are opened.

Ports stay open while pods come and go: a new connection finds a ready pod at that moment, and waits up to 30 s for one. \
Neither manifests nor a Docker engine are needed, nothing is written, and with a SERVICE no config file either.`;
  static override examples = [
    '<%= config.bin %> forward',
    '<%= config.bin %> forward postgres-user:5432',
    '<%= config.bin %> forward svc/web:8080:80 deploy/worker:auto:9229',
    '<%= config.bin %> forward -n monitoring svc/grafana:3000',
  ];
  static override strict = false;
  static override usage = 'forward [SERVICE[:[LOCAL:]PORT]…] [FLAGS]';
  static override flags = { 'port-offset': portOffset };

  protected override get streams(): boolean {
    return true;
  }

  protected async execute(invocation: Invocation): Promise<number> {
    const { options, terminal, signal, env, cwd } = invocation;
    const { report } = terminal;
    const isAlone = this.words.length > 0 && options.file === undefined && (await findNearestConfig(cwd)) === undefined;
    const project = isAlone ? undefined : await load(invocation, [], false);
    const { kube } = project
      ? await openCluster({ project, context: options.context, env, report, signal })
      : { kube: await openForReading(options.context, env) };
    await using _ = kube;
    await holdForwards({
      kube,
      project,
      namespace: project?.cluster.namespace ?? readNamespace(options) ?? kube.target.namespace,
      words: this.words,
      portOffset: this.flags['port-offset'],
      report,
      signal,
    });
    return exitCodes.done;
  }
}
