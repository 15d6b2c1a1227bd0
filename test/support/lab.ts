import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { run } from '../../src/lib/process.ts';

/** A real engine, registry and cluster to test against, or why there is none. */
export interface Lab {
  /** false when tests can run here; else the reason, in the form that `node:test` takes. */
  readonly skip: false | string;
  readonly kubeconfig: string;
  readonly context: string;
  /** Where images are pushed to. */
  readonly registry: string;
  /** The version of the engine that answers. */
  readonly docker: string;
}

/** scripts/test.mjs looks once for all files, which each run in a process of their own. */
const foundByRunner = 'STORMCTL_TEST_LAB';

const registry = 'localhost:5000';
const absent = { kubeconfig: '', context: '', registry, docker: '' };

/**
 * Looks for an engine that answers and a cluster that KUBECONFIG (or `test/lab/lab status`) leads to.
 *
 * @throws instead of skipping when STORMCTL_REQUIRE_E2E is set.
 */
function labOrSkip(): Lab {
  const found = process.env[foundByRunner];
  const lab = found === undefined ? findLab() : (JSON.parse(found) as Lab);
  if (lab.skip !== false && process.env['STORMCTL_REQUIRE_E2E'])
    throw new Error(`STORMCTL_REQUIRE_E2E is set, but ${lab.skip}`);
  return lab;
}

function findLab(): Lab {
  const docker = ask('docker', ['version', '--format', '{{.Server.Version}}']);
  if (docker === undefined) return { ...absent, skip: 'no Docker engine answers' };
  const kubeconfig = process.env['KUBECONFIG'] || kubeconfigOfLab();
  if (!kubeconfig || !existsSync(kubeconfig))
    return { ...absent, docker, skip: 'no cluster: KUBECONFIG is not set and the lab is not up (npm run lab)' };
  const context = ask('kubectl', ['--kubeconfig', kubeconfig, 'config', 'current-context']) ?? '';
  const server = ask('kubectl', [
    '--kubeconfig',
    kubeconfig,
    'config',
    'view',
    '--minify',
    '-o',
    'jsonpath={..server}',
  ]);
  // Tests write and delete: never on a cluster that only happens to be the current one.
  if (!/^https:\/\/(127\.|localhost|0\.0\.0\.0|\[::1\])/.test(server ?? ''))
    return { ...absent, docker, skip: `the cluster of ${kubeconfig} is not on this machine` };
  const ready = ask('kubectl', ['--kubeconfig', kubeconfig, '--request-timeout=10s', 'get', '--raw', '/readyz']);
  if (ready !== 'ok') return { ...absent, docker, skip: `the cluster of ${kubeconfig} does not answer` };
  return { skip: false, kubeconfig, context, registry, docker };
}

function kubeconfigOfLab(): string | undefined {
  return ask('test/lab/lab', ['status'])?.match(/^export KUBECONFIG=(.+)$/m)?.[1];
}

function ask(command: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(command, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 20_000,
    }).trim();
  } catch {
    return undefined;
  }
}

/** The lab of this test run: `test('…', { skip: lab.skip }, …)`. */
export const lab = labOrSkip();

/** Runs kubectl on the lab. @throws with what it printed when it fails. */
export async function kubectl(args: readonly string[], input?: string): Promise<string> {
  const global = ['--kubeconfig', lab.kubeconfig, '--context', lab.context];
  const result = await run('kubectl', [...global, ...args], input === undefined ? {} : { input });
  if (result.exitCode !== 0) throw new Error(`kubectl ${args.join(' ')}: ${result.stderr.trim()}`);
  return result.stdout.toString('utf8');
}

/**
 * A namespace for one test file, empty at the start and deleted by `await using` or in an `after` hook.
 * What a killed run left in it is deleted first.
 */
export async function testNamespace(name: string): Promise<AsyncDisposable & { readonly name: string }> {
  const remove = () => kubectl(['delete', 'namespace', name, '--ignore-not-found', '--wait', '--timeout=120s']);
  await remove();
  await kubectl(['create', 'namespace', name]);
  // Pods are refused until the controller has made it.
  await kubectl(['wait', '--for=create', '--timeout=60s', '--namespace', name, 'serviceaccount/default']);
  return {
    name,
    [Symbol.asyncDispose]: async () => {
      await remove();
    },
  };
}
