import type {
  AfterDone,
  BuildReport,
  DeployReport,
  ForwardReport,
  LoopReport,
  Report,
  SessionReport,
  SessionSummary,
} from '../events.ts';
import { formatId, type ObjectId } from '../objects.ts';
import { formatFailure } from './format-failure.ts';
import { formatSummary } from './format-summary.ts';
import { count, formatMs, type Style } from './style.ts';

export type Detail = 'quiet' | 'normal' | 'verbose';

/** What a person reads of a report: no line, one, or several. Log lines are not here: see `LogPrefixes`. */
export function formatReport(report: Exclude<Report, { type: 'log' }>, style: Style, detail: Detail): string[] {
  switch (report.type) {
    case 'note':
      return detail === 'quiet' ? [] : [line(style, report.service, style.dim(report.text))];
    case 'answer':
      return [line(style, report.service, report.text)];
    case 'warning': {
      const lines = [line(style, report.service, `${style.paint('yellow', '!')} ${report.text}`)];
      return report.next ? [...lines, `  ${style.paint('cyan', '→')} ${report.next}`] : lines;
    }
    case 'log.gap': {
      const between = report.to ? `between ${time(report.from)} and ${time(report.to)}` : `after ${time(report.from)}`;
      const text = `a gap: what ${report.pod}/${report.container} may have printed ${between} can't be read any more`;
      return [line(style, report.source, `${style.paint('yellow', '!')} ${text}`)];
    }
    case 'log.recovered': {
      if (detail === 'quiet') return [];
      const text = `logs reconnected, ${count(report.lines, 'line')} recovered`;
      return [line(style, report.source, style.dim(text))];
    }
    case 'failed':
      return formatFailure(report, style);
    default:
      return formatProgress(report, style, detail);
  }
}

/** A stamp to the millisecond. */
function time(stamp: string): string {
  return `${stamp.slice(0, 23)}Z`;
}

type Progress = SessionReport | BuildReport | DeployReport | LoopReport | ForwardReport;

function formatProgress(report: Progress, style: Style, detail: Detail): string[] {
  const [room] = report.type.split('.');
  if (report.type === 'session.summary') return detail === 'quiet' ? [] : formatSummary(report, style);
  if (room === 'session') return formatSession(report as Exclude<SessionReport, SessionSummary>, style);
  // Nobody asked for these by name.
  if (detail === 'quiet' && report.type === 'deploy.applied')
    return report.pruned.length === 0 ? [] : [`pruned ${named(report.pruned, mostDeleted)}`];
  // What a command prints is as good as a log.
  if (detail === 'quiet' && report.type !== 'sync.output' && report.type !== 'forward.ready') return [];
  switch (room) {
    case 'build':
    case 'ship':
      return formatBuild(report as BuildReport, style, detail);
    case 'deploy':
      return formatDeploy(report as DeployReport, style, detail);
    case 'forward':
      return formatForward(report as ForwardReport, style, detail);
    default:
      return formatLoop(report as LoopReport, style, detail);
  }
}

function formatSession(report: Exclude<SessionReport, SessionSummary>, style: Style): string[] {
  switch (report.type) {
    case 'session.started':
      return [
        `${style.bold(report.project)} ${style.dim('on')} ${report.context} ${style.dim('in')} ${report.namespace}`,
      ];
    case 'session.services':
      return [];
    case 'session.ready': {
      const width = Math.max(0, ...report.urls.map(({ name }) => name.length));
      return [
        '',
        `${style.paint('green', '✓')} ${style.bold(`ready in ${formatMs(report.ms)}`)}`,
        ...report.urls.map(({ name, url }) => `    ${name.padEnd(width)}  ${style.paint('cyan', url)}`),
        `  ${style.dim(report.onExit)}`,
        '',
      ];
    }
    case 'session.ending':
      return ['', style.dim(`ending: ${report.because}`)];
    case 'session.ended':
      if (report.kept)
        return [`${style.paint('green', '✓')} ended, everything runs on: \`stormctl delete\` removes it`];
      return report.left.length === 0
        ? [`${style.paint('green', '✓')} ended, nothing left running`]
        : report.left.map((text) => `${style.paint('yellow', '!')} left: ${text}`);
    case 'session.lost':
      return [
        `${report.busy ? style.paint('yellow', '!') : style.paint('red', '✗')} ${style.bold(`${report.what} is ${report.busy ? 'busy' : 'gone'}`)} ${style.dim(report.cause)}`,
        ...(report.next === undefined ? [] : [`  ${style.paint('cyan', '→')} ${report.next}`]),
      ];
    case 'session.resumed':
      return [
        `${style.paint('green', '✓')} ${report.what} ${report.busy ? 'answers again' : 'is back'} after ${formatMs(report.ms)}`,
      ];
  }
}

function formatBuild(report: BuildReport, style: Style, detail: Detail): string[] {
  switch (report.type) {
    case 'build.started':
      return [line(style, report.service, `building ${style.dim(`· ${report.because}`)}`)];
    case 'build.step':
      return detail === 'verbose'
        ? [line(style, report.service, style.dim(`${report.cached ? 'cached' : formatMs(report.ms)}  ${report.step}`))]
        : [];
    case 'build.output':
      return detail === 'verbose' ? [line(style, report.service, style.dim(`  ${report.line}`))] : [];
    case 'build.done':
      return [
        line(
          style,
          report.service,
          report.cached ? style.dim('image is up to date') : `built in ${formatMs(report.ms)}`,
        ),
      ];
    case 'build.aborted':
      return [line(style, report.service, style.dim(`build stopped: ${report.because}`))];
    case 'ship.done':
      return shipLine(report, style, detail);
  }
}

function shipLine(report: Extract<BuildReport, { type: 'ship.done' }>, style: Style, detail: Detail): string[] {
  if (report.how === 'present' && detail !== 'verbose') return [];
  const verb = { push: 'pushed', load: 'loaded', present: 'already there:' }[report.how];
  const time = report.how === 'present' ? '' : ` in ${formatMs(report.ms)}`;
  // The tag tells images apart; registry, name and digest are the same words in every line.
  const image = detail === 'verbose' ? report.image : report.image.replace(/@sha256:.*$/, '').replace(/^.*:/, '');
  return [line(style, report.service, `${verb} ${style.dim(image)}${time}`)];
}

function formatDeploy(report: DeployReport, style: Style, detail: Detail): string[] {
  switch (report.type) {
    case 'deploy.applied':
      return appliedLines(report, style, detail);
    case 'deploy.restarts': {
      const changed = report.because.map(formatId).join(', ');
      return [line(style, formatId(report.object), `restarts ${style.dim(`· ${changed} changed`)}`)];
    }
    case 'deploy.waiting':
      if (report.usual && detail !== 'verbose') return [];
      return [line(style, formatId(report.object), style.paint('yellow', report.because))];
    case 'deploy.ready':
      return [
        line(style, formatId(report.object), `${style.paint('green', 'ready')} ${style.dim(formatMs(report.ms))}`),
      ];
    case 'deploy.deleted':
      return [line(style, formatId(report.object), 'deleted')];
    case 'deploy.kept':
      return [line(style, formatId(report.object), `kept ${style.dim(`· ${report.because}`)}`)];
  }
}

/** What was taken away is named, up to so many of them; `-v` names all. */
const mostDeleted = 30;

function appliedLines(
  report: Extract<DeployReport, { type: 'deploy.applied' }>,
  style: Style,
  detail: Detail,
): string[] {
  const most = detail === 'verbose' ? Number.POSITIVE_INFINITY : mostDeleted;
  const part = (ids: readonly ObjectId[], verb: string) => {
    const isNamed = detail === 'verbose' || ids.length <= 3 || verb === 'replaced' || verb === 'pruned';
    return ids.length > 0 ? [`${ids.length} ${verb}${isNamed ? `: ${named(ids, most)}` : ''}`] : [];
  };
  const parts = [
    ...part(report.created, 'created'),
    ...part(
      report.changed.filter((id) => !report.replaced.includes(id)),
      'changed',
    ),
    ...part(report.replaced, 'replaced'),
    ...part(report.pruned, 'pruned'),
  ];
  if (report.unchanged > 0) parts.push(style.dim(`${report.unchanged} unchanged`));
  return parts.length === 0 ? [] : [`applied ${parts.join(', ')} ${style.dim(`in ${formatMs(report.ms)}`)}`];
}

function named(ids: readonly ObjectId[], most: number): string {
  const left = ids.length > most ? `, and ${ids.length - most} more` : '';
  return `${ids.slice(0, most).map(formatId).join(', ')}${left}`;
}

function formatForward(report: ForwardReport, style: Style, detail: Detail): string[] {
  switch (report.type) {
    case 'forward.listening': {
      const { to, port, address, local, url, because, late } = report;
      const at = `${style.dim('port')} ${port} ${style.dim('at')}`;
      const note = because === undefined ? '' : ` ${style.dim(`· ${because}`)}`;
      if (late) return [line(style, to, `${at} ${style.paint('cyan', url)} ${style.dim('now')}${note}`)];
      return detail === 'verbose' || because !== undefined ? [line(style, to, `${at} ${address}:${local}${note}`)] : [];
    }
    case 'forward.closed':
      return [line(style, report.to, style.dim(`port ${report.local} is closed`))];
    case 'forward.served':
      return detail === 'verbose'
        ? [line(style, report.to, style.dim(`${count(report.connections, 'connection')} by port ${report.local}`))]
        : [];
    case 'forward.ready': {
      const width = Math.max(0, ...report.urls.map(({ url }) => url.length));
      const arrow = style.dim('→');
      return report.urls.map(({ name, url }) => `${style.paint('cyan', url.padEnd(width))}  ${arrow}  ${name}`);
    }
    case 'forward.refused': {
      const { times, local, because } = report;
      const who = times === 1 ? 'connection' : `${times} more connections`;
      return [line(style, report.to, style.paint('yellow', `${who} to port ${local} refused: ${because}`))];
    }
  }
}

function formatLoop(report: LoopReport, style: Style, detail: Detail): string[] {
  switch (report.type) {
    case 'loop.decided': {
      // What a saved config leads to is told when it was read.
      if (['ignore', 'reload'].includes(report.action) && detail !== 'verbose') return [];
      const paths = shownPaths(report.paths);
      return [line(style, report.service, `${style.bold(report.action)} ${paths} ${style.dim(`· ${report.because}`)}`)];
    }
    case 'sync.done': {
      const where = report.containers === 1 ? '' : ` into ${count(report.containers, 'container')}`;
      return [
        line(
          style,
          report.service,
          `${style.paint('green', 'synced')} ${count(report.files, 'file')}${where} in ${formatMs(report.ms)}${report.after ? `, ${afterText(report.after)}` : ''}`,
        ),
      ];
    }
    case 'sync.output':
      return [line(style, report.service, style.dim(report.line))];
    case 'loop.rebuilt':
      return [
        line(
          style,
          report.service,
          `${style.paint('green', 'running the new image')} ${style.dim(`after ${formatMs(report.ms)}`)}`,
        ),
      ];
    case 'loop.unchanged':
      return [line(style, report.service, style.dim('the image did not change'))];
    case 'loop.held': {
      const next = report.next === undefined ? '' : `, ${report.next}`;
      const what = report.paths.length > 0 ? `${count(report.paths.length, 'file')} changed` : 'a build is needed';
      const changed = `${style.paint('yellow', what)}${next}`;
      return [
        line(style, report.service, `${changed} ${style.dim(`· ${shownPaths(report.paths)} · ${report.because}`)}`),
      ];
    }
    case 'loop.restarting':
      return [line(style, report.service, `restarting ${style.dim('you asked for it')}`)];
    case 'loop.restarted':
      return [line(style, report.service, `${style.paint('green', 'restarted')} in ${formatMs(report.ms)}`)];
    case 'loop.paused':
      return [style.paint('yellow', 'paused: changes are collected, and decided when it goes on')];
    case 'loop.resumed':
      return [
        `${style.paint('green', 'watching again')} ${style.dim(`${count(report.files, 'file')} changed meanwhile`)}`,
      ];
  }
}

function afterText({ action, ms, readyMs }: AfterDone): string {
  if (readyMs !== undefined) return `restarted, ready in ${formatMs(readyMs)}`;
  const did = { exec: 'ran afterSync', signal: 'sent the signal', restart: 'restarted' }[action];
  return `${did} in ${formatMs(ms)}`;
}

function shownPaths([first = '', ...more]: readonly string[]): string {
  return more.length > 0 ? `${first} and ${more.length} more` : first;
}

function line(style: Style, subject: string | undefined, text: string): string {
  return subject === undefined ? text : `${style.bold(subject)} ${text}`;
}
