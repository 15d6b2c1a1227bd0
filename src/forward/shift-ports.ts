import { Failure, Failures, formatPosition } from '../errors.ts';
import type { Forward, Project } from '../project.ts';
import { localOf } from './listen.ts';

/**
 * @returns the project with every local port that its config fixes moved by `offset`; chosen ports stay chosen.
 * @throws Failures `usage` for every port that would be none.
 */
export function shiftPorts(project: Project, offset: number): Project {
  if (offset === 0) return project;
  const wrong: Failure[] = [];
  const shift = (port: number, at: Forward['at']) => {
    const local = port + offset;
    if (local < 1 || local > 65_535)
      wrong.push(
        new Failure('usage', `--port-offset ${offset} makes the local port ${port} ${local}, which is no port`, {
          where: formatPosition(at),
          next: 'a port is a number from 1 to 65535: choose an offset that keeps all of them in it',
        }),
      );
    return local;
  };
  const forward = project.forward.map((rule) => {
    const local = localOf(rule);
    return local === 'auto' ? rule : { ...rule, local: shift(local, rule.at) };
  });
  const services = project.services.map((service) => ({
    ...service,
    forward: service.forward.map((rule) => ({ ...rule, local: shift(rule.local ?? rule.port, rule.at) })),
  }));
  const [first, ...rest] = wrong;
  if (first) throw new Failures([first, ...rest]);
  return { ...project, forward, services, autoForward: project.autoForward && { ...project.autoForward, offset } };
}
