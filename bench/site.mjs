import { spawn, spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { pause } from './measure.mjs';

/** A cluster to measure on: its kubectl, and one `kubectl proxy` through which everything that is waited for is looked at. */
export async function openSite(bench, { kubeconfig, context }) {
  const env = { ...process.env, NO_COLOR: '1', KUBECONFIG: kubeconfig };
  const of = context ? ['--context', context] : [];
  const proxy = bench.start('kubectl', [...of, 'proxy', '--port=0'], { env });
  const url = await proxy.find('its address', (lines) => lines.map((line) => /127\.0\.0\.1:\d+/.exec(line)?.[0])[0]);
  const site = {
    env,
    context,
    /** @throws with what it printed when it fails. */
    kubectl: (args, input) => must('kubectl', [...of, ...args], { env, input }),
    /** Removes a namespace when the bench ends, and now, should an earlier bench have left it. */
    ownNamespace(name) {
      const remove = () => spawnSync('kubectl', [...of, 'delete', 'namespace', name, '--ignore-not-found'], { env });
      remove();
      bench.atEnd(remove);
    },
    /** Asks again without a pause until `matches` says yes to the answer. @returns the milliseconds since `since`. */
    async until(path, matches, since) {
      while (performance.now() - since < 120_000) {
        const body = await fetch(`http://${url}${path}`, { signal: bench.signal }).then(
          (response) => (response.ok ? response.text() : ''),
          () => '',
        );
        if (matches(body)) return performance.now() - since;
        // An endpoint that is not there yet answers at once, and asking must not starve what is measured.
        await pause(body === '' ? 5 : 0, bench.signal);
      }
      throw new Error(`${path} does not come to be what was saved`);
    },
  };
  return site;
}

/** A cluster of three nodes of its own, made by `stormctl cluster create` and deleted when the bench ends. */
export async function openThreeNodes(bench) {
  const kubeconfig = join(bench.scratch, 'kubeconfig');
  const name = 't-bench';
  const env = { ...process.env, NO_COLOR: '1', KUBECONFIG: kubeconfig };
  // A node image that is here already needs no network.
  env.STORMCTL_K3S_IMAGE ||= must('docker', ['images', '--format', '{{.Repository}}:{{.Tag}}', 'rancher/k3s']).split(
    '\n',
  )[0];
  const stormctl = (...args) =>
    new Promise((settle, reject) => {
      const child = spawn(process.execPath, [resolve('bin/stormctl.js'), ...args], {
        env,
        detached: true,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const abort = () => child.kill('SIGINT');
      bench.signal.addEventListener('abort', abort);
      const lines = [];
      createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
      child.on('close', (code) => {
        bench.signal.removeEventListener('abort', abort);
        if (code === 0) settle();
        else reject(bench.signal.reason ?? new Error(`stormctl ${args.join(' ')}: ${lines.slice(-5).join('\n')}`));
      });
    });
  await stormctl('cluster', 'delete', name);
  bench.atEnd(() => void spawnSync(process.execPath, [resolve('bin/stormctl.js'), 'cluster', 'delete', name], { env }));
  await stormctl('cluster', 'create', name, '--agents', '2');
  return openSite(bench, { kubeconfig, context: `k3d-${name}` });
}

export function must(command, args, options) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { maxBuffer: 2 ** 28, ...options });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error ?? stderr}`);
  return stdout.toString('utf8');
}
