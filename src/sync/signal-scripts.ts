import { type Interpreter, restartSignal, supervisorMark } from '../manifests/supervisor.ts';

/** How long a restart may take: the supervisor kills after 5 s what does not end by itself. */
const restartSeconds = 12;
const lookMs = 20;

/** The exit codes of the scripts. */
export const scriptCodes = { noProcess: 3, notStarted: 4 } as const;

// A pod can share one process namespace; processes of this container have the control group of this one. The mark stands
// in the first line of a supervisor's source, and not in that of these scripts.
const shellFind = `
read -r own </proc/self/cgroup
for folder in /proc/1 /proc/[0-9]*; do
  line= group=
  { read -r line <"$folder/cmdline"; read -r group <"$folder/cgroup"; } 2>/dev/null
  pid=\${folder#/proc/}
  [ "$group" = "$own" ] && fits && break
  pid=
done
[ -n "$pid" ] || exit ${scriptCodes.noProcess}`;

// A fork of the supervisor has its command line, but not its descriptors.
const shellRestart = `
fits() { case $line in *${supervisorMark}*) [ -L "$folder/fd/9" ] ;; *) false ;; esac; }
${shellFind}
child() { (cd -P "/proc/$pid/fd/9" && pwd -P) 2>/dev/null; }
old=$(child)
kill -s ${restartSignal} "$pid" || exit ${scriptCodes.noProcess}
left=${(restartSeconds * 1000) / lookMs}
while [ "$left" -gt 0 ]; do
  new=$(child)
  [ -n "$new" ] && [ "$new" != "$old" ] && exit 0
  [ -d "/proc/$pid" ] || exit ${scriptCodes.noProcess}
  sleep ${lookMs / 1000} 2>/dev/null || sleep 1
  left=$((left - 1))
done
exit ${scriptCodes.notStarted}`;

// The main process of a container has no parent in its namespace; neither has what was brought by exec, later.
const shellSignal = (signal: string) => `
fits() { [ "$pid" = 1 ] || { read -r stat <"$folder/stat"; set -- \${stat##*) }; [ "$2" = 0 ]; } 2>/dev/null; }
${shellFind}
kill -s ${signal} "$pid"`;

const nodeFind = `
const fs = require('fs');
const read = (path) => { try { return fs.readFileSync('/proc/' + path, 'latin1'); } catch (e) { return ''; } };
const own = read('self/cgroup');
const pids = fs.readdirSync('/proc').filter((name) => /^\\d+$/.test(name)).map(Number).sort((a, b) => a - b);
const find = (fits) => {
  const pid = pids.find((each) => read(each + '/cgroup') === own && fits(each));
  if (!pid) process.exit(${scriptCodes.noProcess});
  return pid;
};`;

const nodeRestart = `${nodeFind}
const pid = find((each) => read(each + '/cmdline').split('\\n')[0].includes('${supervisorMark}'));
const child = () => {
  try {
    for (const fd of fs.readdirSync('/proc/' + pid + '/fd')) {
      let target = '';
      try { target = fs.readlinkSync('/proc/' + pid + '/fd/' + fd); } catch (e) {}
      if (/^\\/proc\\/\\d+$/.test(target)) return target;
    }
  } catch (e) { process.exit(${scriptCodes.noProcess}); }
};
const old = child(), end = Date.now() + ${restartSeconds * 1000};
process.kill(pid, 'SIG${restartSignal}');
setInterval(() => {
  const now = child();
  if (now && now !== old) process.exit(0);
  if (Date.now() > end) process.exit(${scriptCodes.notStarted});
}, ${lookMs});`;

const nodeSignal = (signal: string) => `${nodeFind}
const parent = (pid) => { const stat = read(pid + '/stat'); return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]; };
process.kill(find((each) => each === 1 || parent(each) === '0'), 'SIG${signal}');`;

/** @returns what runs in a container to have its supervisor start the process anew; it ends when that is done. */
export function restartScript(interpreter: Interpreter): readonly string[] {
  return interpreter.kind === 'sh' ? [interpreter.path, '-c', shellRestart] : [interpreter.path, '-e', nodeRestart];
}

/** @returns what runs in a container to send its main process a signal: `HUP`. */
export function signalScript(interpreter: Interpreter, signal: string): readonly string[] {
  const { kind, path } = interpreter;
  return kind === 'sh' ? [path, '-c', shellSignal(signal)] : [path, '-e', nodeSignal(signal)];
}
