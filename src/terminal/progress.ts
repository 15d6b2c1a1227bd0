import type { Report, Reporter } from '../events.ts';
import { formatId } from '../objects.ts';
import { formatMs } from './style.ts';
import type { TaskList } from './task-list.ts';

export interface Progress {
  readonly report: Reporter;
  /** Ends the list and prints what had to wait for that. What is still open then did not get through, unless all is well. */
  end(isWell: boolean): Promise<void>;
}

const deployTask = 'deploy';

/** @returns the tasks of a command that brings these services up. */
export function tasksFor(services: readonly string[], deploys: boolean): readonly string[] {
  return deploys ? [...services, deployTask] : services;
}

interface DrawOptions {
  readonly deploys: boolean;
  /** Begins to draw the list: nothing else can be printed from then on until its end. */
  readonly open: () => TaskList;
  readonly print: Reporter;
}

/**
 * Draws the reports of a command that ends as tasks: one a service, and one for the cluster. What comes before the first step
 * is printed above them, and the rest below.
 */
export function drawProgress({ deploys, open, print }: DrawOptions): Progress {
  const held: Report[] = [];
  const startedAt = performance.now();
  let list: TaskList | undefined;
  return {
    report: (report) => {
      if (!list && !isStep(report)) return print(report);
      list ??= open();
      if (!draw(list, report, deploys)) held.push(report);
    },
    end: async (isWell) => {
      if (isWell && deploys) list?.done(deployTask, `ready in ${formatMs(performance.now() - startedAt)}`);
      await list?.end();
      held.forEach(print);
    },
  };
}

function isStep({ type }: Report): boolean {
  return /^(build|ship|deploy)\./.test(type);
}

/** @returns false for what is no step of a task, and is printed below the list. */
function draw(list: TaskList, report: Report, deploys: boolean): boolean {
  switch (report.type) {
    case 'build.started':
      list.update(report.service, report.because);
      return true;
    case 'build.step':
      list.update(report.service, report.step);
      return true;
    case 'build.output':
      list.update(report.service, report.line);
      return true;
    case 'build.done': {
      const text = report.cached ? 'up to date' : `built in ${formatMs(report.ms)}`;
      list.update(report.service, text);
      if (!deploys) list.done(report.service, text);
      return true;
    }
    case 'ship.done':
      list.done(report.service, report.how === 'present' ? 'up to date' : `shipped in ${formatMs(report.ms)}`);
      return true;
    case 'deploy.applied':
      list.update(
        deployTask,
        `${report.created.length} created, ${report.changed.length} changed, ${report.unchanged} unchanged`,
      );
      // What was deleted is to be read when the list is done, too.
      return report.pruned.length === 0;
    case 'deploy.waiting':
      list.update(deployTask, `${formatId(report.object)}: ${report.because}`);
      return true;
    case 'deploy.ready':
      list.update(deployTask, `${formatId(report.object)} is ready`);
      return true;
    case 'note':
      // Below the list too: it may be what takes the time, and something to look up later.
      if (deploys) list.update(deployTask, report.text);
      return false;
    default:
      return false;
  }
}
