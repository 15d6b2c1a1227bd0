// npm run demo: `stormctl dev` on a scratch copy of examples/storm, with all the set-up that it needs. Without a terminal it
// runs until the stack is ready, edits a file, shows that the edit is served, and ends.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { setUp } from './set-up.mjs';

const greeting = {
  file: 'services/user/src/users/greeting.ts',
  from: 'Hello from',
  to: 'Hello again from',
  url: 'http://localhost:30080/users/greeting',
};

setUp({ build: true });
const env = { ...process.env };
if (!engineAnswers() || isLab()) env.KUBECONFIG = bringUpLab();

const scratch = mkdtempSync(join(tmpdir(), 'storm-'));
cpSync('examples/storm', scratch, { recursive: true });
console.log(`demo: stormctl dev in ${scratch}, a copy of examples/storm`);
const bin = join(process.cwd(), 'bin/stormctl.js');
try {
  process.exitCode = process.stdout.isTTY ? await watch() : await show();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** A person sits there: the session is theirs, until Ctrl+C. */
async function watch() {
  console.log(`demo: when it is ready, ask ${greeting.url}, change ${join(scratch, greeting.file)}, and ask again`);
  process.on('SIGINT', () => {});
  const child = spawn(process.execPath, [bin, 'dev'], { cwd: scratch, env, stdio: 'inherit' });
  return new Promise((resolve) => child.on('close', (code) => resolve(code === 130 ? 0 : code)));
}

async function show() {
  const child = spawn(process.execPath, [bin, 'dev'], { cwd: scratch, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.on('close', resolve));
  let failed = true;
  const ready = new Promise((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      console.log(line);
      if (/ready in /.test(line)) resolve(true);
    });
  });
  if (await Promise.race([ready, ended.then(() => false)])) {
    const before = await served();
    const file = join(scratch, greeting.file);
    writeFileSync(file, readFileSync(file, 'utf8').replace(greeting.from, greeting.to));
    const savedAt = performance.now();
    let now = before;
    while (!now.includes(greeting.to) && performance.now() - savedAt < 30_000) {
      await delay(100);
      now = await served().catch(() => '');
    }
    failed = !now.includes(greeting.to);
    console.log(`demo: before the save ${before.trim()}`);
    console.log(
      `demo: ${failed ? 'the edit was not served' : `${Math.round(performance.now() - savedAt)} ms after it ${now.trim()}`}`,
    );
    child.kill('SIGINT');
  }
  const code = await ended;
  console.log(`demo: ${code === 130 ? 'ended as Ctrl+C ends it' : `stormctl ended with ${code}`}`);
  return code === 130 && !failed ? 0 : 1;
}

async function served() {
  const response = await fetch(greeting.url, { signal: AbortSignal.timeout(2000) });
  return response.text();
}

function engineAnswers() {
  return spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], { stdio: 'ignore' }).status === 0;
}

/** Whether the engine is the lab's: nothing else has its pause image. */
function isLab() {
  return spawnSync('docker', ['image', 'inspect', 'storm.lab/pause:1'], { stdio: 'ignore' }).status === 0;
}

/** Brings the lab up, in seconds where it was made before. @returns the kubeconfig to use. */
function bringUpLab() {
  if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0) {
    console.error('demo: no Docker engine answers: start one, or run this as root on Debian, where it makes its own');
    process.exit(6);
  }
  if (!engineAnswers())
    console.log(
      "demo: no Docker engine answers: installing Debian's docker.io, iptables and debootstrap for a local cluster (ten minutes once)",
    );
  const up = spawnSync('test/lab/lab', ['up'], { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' });
  if (up.status !== 0) process.exit(up.status ?? 1);
  return /^export KUBECONFIG=(.+)$/m.exec(up.stdout)?.[1];
}
