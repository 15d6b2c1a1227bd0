import { readFileSync } from 'node:fs';
import { loadProject } from '../src/config/load-project.ts';
import { groundOf } from '../src/dev/ground.ts';
import { watchRoots } from '../src/dev/watch-roots.ts';
import { planService } from '../src/up/plan.ts';
import { watchFiles } from '../src/watch/watch-files.ts';

// A project's build contexts watched as `dev` watches them, in a process that does nothing else, so that its memory is the
// watch's. Every line that it prints is JSON; times are milliseconds since 1970, for whoever saves has another clock.
const project = await loadProject({ file: undefined, environment: undefined, cwd: process.cwd(), env: process.env });
const planned = await Promise.all(project.services.map((service) => planService(service, 'dev')));
const services = planned.map((each) => ({ ...each, selected: true }));
const roots = watchRoots(
  groundOf(
    { project, mode: 'dev', services, objects: [], stages: 1, inputs: { files: [], areas: [], remote: [] } },
    [],
  ),
);

const ending = new AbortController();
process.once('SIGTERM', () => ending.abort());
const startedAt = performance.now();
const usedBefore = process.cpuUsage();
const watch = watchFiles({ roots, signal: ending.signal, onProblem: ({ message }) => say({ problem: message }) });
await watch.ready;
const used = process.cpuUsage(usedBefore);
say({ readyMs: performance.now() - startedAt, cpuMs: (used.user + used.system) / 1000, rssMb: rssMb() });
for await (const { changed, removed, firstEventAt } of watch.batches)
  say({
    changed: changed.length,
    removed: removed.length,
    firstEventAt: performance.timeOrigin + firstEventAt,
    at: performance.timeOrigin + performance.now(),
    rssMb: rssMb(),
  });

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function rssMb(): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;
}
