import type { Reporter } from '../events.ts';
import type { Project } from '../project.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Does a command's work with its reports drawn as progress, which has ended before anything else is printed. */
export async function withProgress<T>(
  terminal: Terminal,
  { services }: Project,
  deploys: boolean,
  work: (report: Reporter) => Promise<T>,
): Promise<T> {
  const names = services.map(({ name }) => name);
  const progress = await terminal.progress(names, deploys);
  let isWell = false;
  try {
    const result = await work(progress.report);
    isWell = true;
    return result;
  } finally {
    await progress.end(isWell);
  }
}
