import { Failure, Failures, formatPosition, type Position } from '../errors.ts';
import type { Forward, Project } from '../project.ts';
import { localOf } from './listen.ts';

/**
 * @returns the project with every local port that its config fixes moved by `offset`; chosen ports stay chosen.
 * @throws Failures `usage` for every port that would be none.
 */
export function shiftPorts(project: Project, offset: number): Project {
  if (offset === 0) return project;
  const { services, autoForward } = project;
  const own = services.flatMap(({ forward }) => forward.map(({ local, port, at }) => ({ local: local ?? port, at })));
  checkShifted([...fixedOf(project.forward), ...own], offset);
  return {
    ...project,
    forward: shiftRules(project.forward, offset),
    services: services.map((service) => ({
      ...service,
      forward: service.forward.map((rule) => ({ ...rule, local: (rule.local ?? rule.port) + offset })),
    })),
    autoForward: autoForward && { ...autoForward, offset },
  };
}

/** @returns the rules with their fixed and preferred ports moved by `offset`. @throws as `shiftPorts`. */
export function shiftRules(rules: readonly Forward[], offset: number): readonly Forward[] {
  if (offset === 0) return rules;
  checkShifted(fixedOf(rules), offset);
  return rules.map((rule) => {
    const local = localOf(rule);
    if (local !== 'auto') return { ...rule, local: local + offset };
    const preferred = rule.preferred === undefined ? undefined : rule.preferred + offset;
    return { ...rule, preferred: preferred !== undefined && isPort(preferred) ? preferred : undefined };
  });
}

interface Fixed {
  readonly local: number;
  readonly at: Position | undefined;
}

function fixedOf(rules: readonly Forward[]): readonly Fixed[] {
  return rules.flatMap((rule) => {
    const local = localOf(rule);
    return local === 'auto' ? [] : [{ local, at: rule.at }];
  });
}

function checkShifted(ports: readonly Fixed[], offset: number): void {
  const [first, ...rest] = ports
    .filter(({ local }) => !isPort(local + offset))
    .map(
      ({ local, at }) =>
        new Failure('usage', `--port-offset ${offset} makes ${local + offset} of the local port ${local}`, {
          where: at && formatPosition(at),
          next: 'a port is a number from 1 to 65535: choose an offset that keeps all of them in it',
        }),
    );
  if (first) throw new Failures([first, ...rest]);
}

function isPort(port: number): boolean {
  return port >= 1 && port <= 65_535;
}
