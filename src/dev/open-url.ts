import type { Reporter } from '../events.ts';
import { run } from '../lib/process.ts';

/**
 * Opens a URL as the desktop would, where there is one; the URL is told in any case, for those that have to open it
 * elsewhere. @throws AbortError.
 */
export async function openUrl(
  url: string,
  env: NodeJS.ProcessEnv,
  report: Reporter,
  signal: AbortSignal,
): Promise<void> {
  const opener = openerFor(env);
  if (opener === undefined) return report({ type: 'answer', text: `${url} (no desktop here to open it on)` });
  report({ type: 'answer', text: `opening ${url}` });
  try {
    const { exitCode, stderr } = await run(opener, [url], { env, signal });
    if (exitCode !== 0) report({ type: 'answer', text: `${opener} ended with ${exitCode}: ${stderr.trim()}` });
  } catch (error) {
    signal.throwIfAborted();
    report({ type: 'answer', text: `can't run ${opener}: ${error instanceof Error ? error.message : String(error)}` });
  }
}

function openerFor(env: NodeJS.ProcessEnv): string | undefined {
  if (process.platform === 'darwin') return 'open';
  return env['DISPLAY'] || env['WAYLAND_DISPLAY'] || env['BROWSER'] ? 'xdg-open' : undefined;
}
