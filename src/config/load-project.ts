import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { parseEnv } from 'node:util';
import { Failure, formatPosition } from '../errors.ts';
import { parseDuration } from '../lib/duration.ts';
import { toLabel } from '../lib/label.ts';
import { nearest } from '../lib/nearest.ts';
import { parseConfigYaml } from '../lib/yaml.ts';
import type { YamlFile, YamlPath } from '../lib/yaml.ts';
import type { LogExclude, Project } from '../project.ts';
import { checkPorts } from './check-ports.ts';
import { describeIssues, valueAt } from './describe-issues.ts';
import { findConfig, readConfigText } from './find-config.ts';
import { interpolate } from './interpolate.ts';
import { keepValid } from './keep-valid.ts';
import { layer } from './layers.ts';
import { Mistakes } from './mistakes.ts';
import { readCluster } from './read-cluster.ts';
import { readDeploy } from './read-deploy.ts';
import { readForwards } from './read-forward.ts';
import { readServices } from './read-services.ts';
import { createReader, type Reader } from './reader.ts';
import { configJsonSchema, type ConfigInput, type EnvironmentInput } from './schema.ts';
import type { SchemaNode } from './schema-walk.ts';

export interface LoadOptions {
  /** Default: the nearest `stormctl.yaml` at `cwd` or in a folder above. */
  readonly file: string | undefined;
  readonly environment: string | undefined;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /**
   * Whether images are built or manifests rendered by it. If not, a variable that only they need (`set` of a chart, `args`
   * of a build) may be missing, and stays as it is written. Default: true.
   */
  readonly renders?: boolean;
}

/**
 * Reads and checks a project, the files that it names included.
 *
 * @throws Failure `usage`; Failures with every mistake of the file, in the order of its lines.
 */
export async function loadProject({ file, environment, cwd, env, renders = true }: LoadOptions): Promise<Project> {
  const path = await findConfig(file, cwd);
  const root = dirname(path);
  const yaml = parseConfigYaml(await readConfigText(path, cwd), relative(cwd, path));
  // Some editors write a file in two steps: a session that took the first for a project would delete what it applied.
  if (yaml.value === null || yaml.value === undefined)
    throw new Failure('usage', 'the config is empty', {
      where: relative(cwd, path),
      next: 'write one, or delete it and let `stormctl init` do it',
    });
  const mistakes = new Mistakes(yaml);
  const variables = { ...(await readDotEnv(join(root, '.env'), cwd)), ...env };
  const config = check(yaml, { environment, variables, renders, mistakes });
  const { environments = {}, ...base } = config;
  const over = environment === undefined ? undefined : findEnvironment(environment, environments, yaml);
  const layers = layer(base, over, ['environments', environment ?? '']);
  const reader = createReader({ file: yaml, layers, mistakes, root, home: env['HOME'] ?? homedir() });
  const project = await readProject(config.name, layers.value, reader);
  mistakes.throwIfAny();
  return { ...project, file: path, root, environment };
}

interface CheckOptions {
  readonly environment: string | undefined;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly renders: boolean;
  readonly mistakes: Mistakes;
}

/** The file's own form: keys and types. Environments that are not used are checked too, but for their variables. */
function check(yaml: YamlFile, { environment, variables, renders, mistakes }: CheckOptions): ConfigInput {
  // Computing it takes longer than the check, and only a variable or a mistake asks for it.
  let known: SchemaNode | undefined;
  const schema = () => (known ??= configJsonSchema() as SchemaNode);
  const written = withoutEmpty(yaml.value ?? {});
  const isUsed = (path: YamlPath) => path[0] !== 'environments' || path[1] === environment;
  const value = mapEntries(written, (key, item) =>
    key === 'environments'
      ? mapEntries(item, (name, over) => {
          const path = ['environments', name];
          return isUsed(path) ? interpolate(over, path, { variables, renders, schema, mistakes }) : over;
        })
      : interpolate(item, [key], { variables, renders, schema, mistakes }),
  );
  const { config, issues } = keepValid(value);
  const relevant = issues.filter(({ path }) => {
    // A list with several forms is one issue, wherever in it the variable stands.
    const written = valueAt(value, path as YamlPath);
    return isUsed(path as YamlPath) || !JSON.stringify(written ?? '').includes('${');
  });
  mistakes.settle();
  describeIssues(relevant, { value, path: [], schema }, mistakes);
  mistakes.settle();
  return config;
}

function findEnvironment(
  name: string,
  environments: NonNullable<ConfigInput['environments']>,
  yaml: YamlFile,
): EnvironmentInput {
  const found = Object.hasOwn(environments, name) ? environments[name] : undefined;
  if (found) return found;
  const names = Object.keys(environments);
  const near = nearest(name, names);
  const known = names.length === 0 ? 'the file has no `environments`' : `there are: ${names.join(', ')}`;
  throw new Failure('usage', `there is no environment ${name}`, {
    where: formatPosition(yaml.positionOf([], 'environments')),
    next: near === undefined ? known : `did you mean ${near}? ${known}`,
  });
}

type Settings = Omit<Project, 'file' | 'root' | 'environment'>;

async function readProject(name: string | undefined, input: EnvironmentInput, reader: Reader): Promise<Settings> {
  const { restartOnConfigChange = true } = input;
  const [cluster, services, deploy] = await Promise.all([
    readCluster(input.cluster ?? {}, reader),
    readServices(input.services ?? {}, { restartOnConfigChange }, reader),
    readDeploy(input.deploy ?? [], reader),
  ]);
  const { forward, autoForward } = readForwards(input.forward ?? [], reader);
  checkPorts({ cluster, services, forward }, reader);
  return {
    name: readName(name, reader),
    cluster,
    registry: readRegistry(input.registry, reader),
    services,
    deploy,
    podTemplates: (input.podTemplates ?? []).map(({ kind, group, path }) => ({ kind, group, path: path.split('.') })),
    restartOnConfigChange,
    forward,
    autoForward,
    logs: {
      exclude: readExcludes(input.logs?.exclude ?? [], reader),
      mask: input.logs?.mask ?? true,
      history: input.logs?.history ?? true,
      fold: input.logs?.fold ?? true,
      fields: input.logs?.fields,
      level: input.logs?.level,
    },
    onExit: input.onExit ?? 'delete',
    restoreNamespace: input.restoreNamespace ?? true,
    confirm: input.confirm ?? false,
    timeoutMs: readTimeout(input.timeout, reader),
  };
}

/** The name stands in a label and in the name of the inventory, which holds `stormctl-` besides. */
function readName(name: string | undefined, reader: Reader): string {
  const valid = /^[a-z0-9]([-a-z0-9]{0,51}[a-z0-9])?$/;
  if (name !== undefined) {
    if (!valid.test(name)) reader.wrong(['name'], 'expected lower-case letters, digits and dashes, 53 at most');
    return name;
  }
  const fromFolder = toLabel(basename(reader.root));
  if (fromFolder === '') reader.wrong(['name'], "the folder's name makes no project name", 'add `name: NAME`');
  return fromFolder;
}

function readRegistry(registry: string | undefined, reader: Reader): string | undefined {
  if (registry === undefined || registry === 'k3d') return registry;
  const bare = registry.replace(/^https?:\/\//, '').replace(/\/+$/, '');
  if (/^https?:/.test(registry)) reader.wrong(['registry'], 'a registry is named without http://', `write ${bare}`);
  else if (!/^[a-z0-9][-.a-z0-9]*(:\d+)?(\/[-._a-z0-9]+)*$/.test(bare))
    reader.wrong(['registry'], `${registry} is no registry`, 'name one like localhost:5000, or `k3d`');
  return bare;
}

function readExcludes(
  input: NonNullable<NonNullable<EnvironmentInput['logs']>['exclude']>,
  reader: Reader,
): readonly LogExclude[] {
  return input.map(({ service, container, match }, index) => {
    const path = ['logs', 'exclude', index];
    if (service === undefined && container === undefined && match === undefined)
      reader.wrong(path, 'it would leave out every line', 'give service, container or match');
    return { service, container, match: match === undefined ? undefined : readPattern(match, path, reader) };
  });
}

function readPattern(match: string, path: YamlPath, reader: Reader): RegExp | undefined {
  try {
    return new RegExp(match, 'u');
  } catch (error) {
    reader.wrong([...path, 'match'], (error as Error).message);
    return undefined;
  }
}

function readTimeout(text: string | undefined, reader: Reader): number {
  const ms = parseDuration(text ?? '5m');
  if (ms === undefined || ms === 0)
    reader.wrong(['timeout'], `${text} is no duration`, 'write one like 90s, 5m or 1h30m');
  return ms ?? 0;
}

async function readDotEnv(file: string, cwd: string): Promise<Readonly<Record<string, string | undefined>>> {
  try {
    return parseEnv(await readFile(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new Failure('usage', `can't read .env: ${(error as Error).message}`, {
      where: relative(cwd, file),
      cause: error,
    });
  }
}

/**
 * A key with nothing behind it counts as not written: what is below it may be commented out. Among the values of a chart
 * it takes the chart's own away.
 */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null)
      .map(([key, item]) => [key, key === 'helm' ? withValues(item) : withoutEmpty(item)]),
  );
}

function withValues(helm: unknown): unknown {
  const { set } = (typeof helm === 'object' ? helm : {}) as { readonly set?: unknown };
  const rest = withoutEmpty(helm);
  return set === undefined || set === null ? rest : { ...(rest as object), set };
}

function mapEntries(value: unknown, map: (key: string, item: unknown) => unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, map(key, item)]));
}
