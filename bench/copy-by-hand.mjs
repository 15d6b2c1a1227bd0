import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/** Brings a folder's content below `to` in each pod, in all of them at once, as one would by hand: `tar | kubectl exec -i … tar`. */
export async function copyByHand(site, namespace, pods, folder, to) {
  const tar = spawnSync('tar', ['cf', '-', '.'], { cwd: folder, maxBuffer: 2 ** 30 });
  if (tar.status !== 0) throw new Error(`tar: ${tar.stderr}`);
  const of = site.context ? ['--context', site.context] : [];
  await Promise.all(
    pods.map(async (pod) => {
      const args = [...of, 'exec', '-i', '-n', namespace, pod, '--', 'tar', 'xf', '-', '-C', to];
      const child = spawn('kubectl', args, { env: site.env, stdio: ['pipe', 'ignore', 'inherit'] });
      child.stdin.end(tar.stdout);
      const [code] = await once(child, 'close');
      if (code !== 0) throw new Error(`kubectl exec in ${pod} ended with ${code}`);
    }),
  );
}
