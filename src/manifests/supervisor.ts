/** The program of an image that can run a supervisor, and where it is. */
export interface Interpreter {
  readonly kind: 'sh' | 'node';
  /** Absolute. */
  readonly path: string;
}

/** The first line of both supervisors: a process whose command line has it is one. */
export const supervisorMark = 'stormctl-supervisor';

/**
 * Asks a supervisor for a restart. Nobody else uses it: a process that has no handler ignores it, so that it can do no
 * harm, no runtime sends it between processes, and it is no image's STOPSIGNAL (docs/decisions/0015-supervisor.md).
 */
export const restartSignal = 'URG';

/** What is passed on to the process. KILL and STOP can't be caught, and shells can't name real-time signals. */
const passed = ['HUP', 'INT', 'QUIT', 'USR1', 'USR2', 'ALRM', 'TERM', 'WINCH'];

/** How long a process that is asked to end has, before it is killed. */
const graceSeconds = 5;

// A trap acts by itself, since a flag that is set between a check and `wait` would be seen too late. A background job
// without job control gets /dev/null as its input, so the real one is kept as descriptor 3; 9 says who is supervised, for
// whoever looks in /proc. `exec` can't be mistaken for a builtin of the same name as the program. The kubelet replaces
// `$(NAME)` and `$$` in commands: neither stands here. What asks it to end can come while only the group is waited for, and
// what comes when the process is gone is for the next one. A process that has begun may still be the shell that becomes the
// program, which drops what it gets, and may not lead its group yet. A `wait` that a signal ends says 128 and its number:
// asked again, it says what the process said. Bash's says -1 when its own handler of SIGCHLD reaped the process first, and
// the status when it is asked again; where a signal made it lose the status it says -1 for ever, after it has waited for
// every other child: there is none left by then, and what it said before has to do.
const shellSource = `: ${supervisorMark}
exec 3<&0
stormctl_sign= stormctl_session=
if [ ! -t 0 ] && command -v setsid >/dev/null; then stormctl_sign=- stormctl_session=setsid; fi
stormctl_child= stormctl_late= stormctl_again= stormctl_timer=
stormctl_started() {
  while read -r stormctl_line <"/proc/$stormctl_child/cmdline"; do
    case $stormctl_line in *${supervisorMark}*) sleep 0.02 || sleep 1 ;; *) return ;; esac
  done 2>/dev/null
}
stormctl_take() {
  stormctl_taken=1
  if [ -z "$stormctl_child" ]; then
    stormctl_late="$stormctl_late $1"
  elif [ "$1" != ${restartSignal} ]; then
    case $1 in TERM|INT|QUIT) stormctl_again= ;; esac
    stormctl_started
    kill -s "$1" "$stormctl_child" 2>/dev/null || stormctl_late="$stormctl_late $1"
  elif [ -z "$stormctl_again" ]; then
    stormctl_again=1
    stormctl_started
    kill -s TERM -- "$stormctl_sign$stormctl_child" 2>/dev/null || kill -s TERM "$stormctl_child" 2>/dev/null
    { sleep ${graceSeconds}; kill -s KILL -- "$stormctl_sign$stormctl_child"; } <&- >&- 2>&- 3<&- 9<&- &
    stormctl_timer=$!
  fi
}
for stormctl_name in ${passed.join(' ')} ${restartSignal}; do
  trap "stormctl_take $stormctl_name" "$stormctl_name"
done
while :; do
  exec $stormctl_session "$@" <&3 3<&- 9<&- &
  stormctl_child=$!
  command exec 9<"/proc/$stormctl_child"
  for stormctl_name in $stormctl_late; do stormctl_take "$stormctl_name"; done
  stormctl_late=
  wait "$stormctl_child" 2>/dev/null
  stormctl_code=$?
  while kill -s 0 "$stormctl_child"; do
    wait "$stormctl_child"
    stormctl_code=$?
  done 2>/dev/null
  [ -z "$stormctl_sign" ] || while [ -n "$stormctl_again" ] && kill -s 0 -- "-$stormctl_child"; do
    sleep 0.02 || sleep 1
  done 2>/dev/null
  kill -s KILL "$stormctl_timer" 2>/dev/null
  if [ -z "$stormctl_again" ]; then
    stormctl_tries=
    while stormctl_taken=; wait "$stormctl_child" 2>/dev/null; stormctl_last=$?
      [ "$stormctl_last" = -1 ] || [ -n "$stormctl_taken" ]
    do
      stormctl_tries=x$stormctl_tries
      [ "$stormctl_tries" != xxxxxxxxxx ] || break
    done
    case $stormctl_last in 127|-1) ;; *) stormctl_code=$stormctl_last ;; esac
    exit "$stormctl_code"
  fi
  stormctl_child= stormctl_again= stormctl_timer=
done`;

// In the syntax of Node 12. Node reaps only its own children, so what has ended of a group is told by its state.
// NODE_OPTIONS may have opened the debugger's port here, which is meant for the process.
const nodeSource = `// ${supervisorMark}
const { spawn } = require('child_process'), fs = require('fs'), { signals } = require('os').constants;
require('inspector').close();
const [name, ...args] = process.argv.slice(1), own = !process.stdin.isTTY;
let child, again = false, fd, timer;
const stop = (signal) => { try { process.kill(own ? -child.pid : child.pid, signal); } catch (e) {} };
const alive = () => own && fs.readdirSync('/proc').some((entry) => {
  try {
    const stat = fs.readFileSync('/proc/' + entry + '/stat', 'latin1'), [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state !== 'Z' && Number(group) === child.pid;
  } catch (e) { return false; }
});
const start = () => {
  child = spawn(name, args, { stdio: 'inherit', detached: own });
  child.on('error', (e) => { console.error(e.message); process.exit(e.code === 'ENOENT' ? 127 : 126); });
  try { fd = fs.openSync('/proc/' + child.pid, 'r'); } catch (e) { fd = undefined; }
  child.on('exit', (code, signal) => {
    const next = () => {
      if (!again) process.exit(signal ? 128 + signals[signal] : code);
      if (alive()) return setTimeout(next, 20);
      clearTimeout(timer);
      if (fd !== undefined) fs.closeSync(fd);
      again = false;
      start();
    };
    next();
  });
};
for (const signal of [${passed.map((name) => `'SIG${name}'`).join(', ')}]) process.on(signal, () => {
  if (signal === 'SIGTERM' || signal === 'SIGINT' || signal === 'SIGQUIT') again = false;
  child.kill(signal);
});
process.on('SIG${restartSignal}', () => {
  if (again) return;
  again = true;
  stop('SIGTERM');
  timer = setTimeout(() => stop('SIGKILL'), ${graceSeconds * 1000});
});
start();`;

/**
 * @returns the command that runs a program under a supervisor, its argv to follow: a process that can be restarted
 * without its container. The same for the same image, so that a session started twice makes no new pods.
 */
export function supervisorCommand({ kind, path }: Interpreter): readonly string[] {
  return kind === 'sh' ? [path, '-c', shellSource, supervisorMark] : [path, '-e', nodeSource, '--'];
}

/** @returns by which interpreter a container's command is supervised; undefined when it is not. */
export function supervisedBy(command: unknown): Interpreter | undefined {
  if (!Array.isArray(command)) return undefined;
  const [path, flag, source] = command as readonly unknown[];
  if (typeof path !== 'string' || typeof source !== 'string' || !source.split('\n', 1)[0]?.includes(supervisorMark))
    return undefined;
  return { kind: flag === '-c' ? 'sh' : 'node', path };
}
