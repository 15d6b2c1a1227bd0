import * as z from 'zod';

/** The version of the format, as `apiVersion` names it. */
const apiVersion = 'stormctl.dev/v1';

const text = () => z.string().min(1);
const portNumber = () => z.int().min(1).max(65_535);
const values = () => z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const releaseName = /^[a-z0-9]([-a-z0-9]{0,51}[a-z0-9])?$/;

const portPair = z
  .union([portNumber(), z.string().regex(/^\d+:\d+$/, 'expected two ports as host:node, like 30080:30080')])
  .describe('host:node, or one number for both.');

const create = z.strictObject({
  image: text().describe('The k3s image of the nodes, like rancher/k3s:v1.33.6-k3s1.').optional(),
  agents: z.int().min(0).max(20).describe('How many nodes besides the server. Default: 0.').optional(),
  ports: z.array(portPair).describe('Node ports that this machine publishes, as host:node.').optional(),
  registry: portNumber()
    .describe('The local port of a registry that the nodes pull from. One that answers there is used and joined.')
    .optional(),
  registries: text().describe('A k3s registries.yaml for the nodes.').optional(),
});

const cluster = z.strictObject({
  context: text()
    .describe('The only kubeconfig context that this project may write to. Default: the current one, if it is local.')
    .optional(),
  namespace: z
    .string()
    .regex(dnsLabel, 'a namespace is lower-case letters, digits and dashes, 63 at most')
    .describe('The namespace of objects that name none. Default: default.')
    .optional(),
  create: create
    .describe('Makes a k3d-compatible cluster when the context is absent, and starts it when it is stopped.')
    .optional(),
});

const build = z.strictObject({
  context: text().describe("The build context, relative to this file. Default: this file's folder.").optional(),
  dockerfile: text().describe('The Dockerfile, relative to the context. Default: Dockerfile.').optional(),
  target: text().describe('The stage to build. Default: the last one.').optional(),
  args: z
    .union([values(), z.array(z.string().regex(/^[^=]+=/, 'expected a build argument as NAME=value'))])
    .describe('Build arguments: a map, or a list of NAME=value.')
    .optional(),
  network: text().describe('The network of RUN steps: default, host or none.').optional(),
});

const syncRule = z.strictObject({
  from: text().describe('A glob of files, relative to the build context.'),
  to: z
    .string()
    .regex(/^\//, 'expected an absolute folder in the container, like /app/src')
    .describe('The folder in the container that they go to.'),
  base: text()
    .describe('The folder whose name is dropped from their paths. Default: the fixed part of `from`.')
    .optional(),
});

const afterSync = z.strictObject({
  exec: z
    .array(text())
    .min(1)
    .describe('Runs this command in the container. Variables are not replaced in here.')
    .optional(),
  signal: text().describe('Sends this signal to its main process, like HUP.').optional(),
  restart: z
    .literal(true)
    .describe('Starts its process again, in the same container: `dev` puts a small supervisor before its command.')
    .optional(),
});

const dev = z.strictObject({
  target: text().describe('The stage that `dev` builds instead.').optional(),
  command: z.array(z.string()).describe('Replaces the entrypoint, as `command` of a container does.').optional(),
  args: z.array(z.string()).describe('Replaces the arguments, as `args` of a container does.').optional(),
  env: values().describe('Environment variables of its containers.').optional(),
});

const service = z.strictObject({
  image: text().describe("The image as the manifests write it, without a tag. Default: the service's name.").optional(),
  build: z
    .union([text().describe('The build context, relative to this file.'), build])
    .describe('How the image is built: the build context, or a map.')
    .optional(),
  sync: z
    .union([z.literal('auto'), z.array(z.union([syncRule, z.literal('auto')]))])
    .describe(
      'Files that `dev` copies into running containers instead of rebuilding: rules, and `auto` for what the Dockerfile only copies.',
    )
    .optional(),
  afterSync: afterSync
    .describe('What happens in a container when synced files are in it: one of exec, signal, restart.')
    .optional(),
  dev: dev.describe('What `dev` alone changes. Variables are not replaced in here.').optional(),
  forward: z
    .array(z.union([portNumber(), z.string().regex(/^(\d+:)?\d+$/, "expected [local:]port, like 3000 or '9229:9229'")]))
    .describe("Ports of this service's pods, as [local:]port.")
    .optional(),
  trigger: z
    .enum(['auto', 'manual'])
    .describe('When `dev` acts on changed files: at once, or when you press r. Default: auto.')
    .optional(),
  restartOnConfigChange: z
    .boolean()
    .describe('Replace its pods when what they use of ConfigMaps and Secrets changes. Default: as the project.')
    .optional(),
});

const wait = z.boolean().describe('Wait until its objects are ready before the next step. Default: false.').optional();
const helm = z.strictObject({
  chart: text().describe('The folder or the archive of a chart, oci://…, https://…, or with `repo` its name there.'),
  release: z
    .string()
    .regex(releaseName, 'a release is lower-case letters, digits and dashes, 53 at most')
    .describe("The release's name. Default: the chart's.")
    .optional(),
  namespace: z
    .string()
    .regex(dnsLabel, 'a namespace is lower-case letters, digits and dashes, 63 at most')
    .describe("The release's namespace. Default: the project's.")
    .optional(),
  values: z
    .union([text(), z.array(text())])
    .describe('Files of values, relative to this file; what a later one says counts.')
    .optional(),
  set: z.record(z.string(), z.unknown()).describe('Values that go over those of the files, as a map.').optional(),
  repo: text().describe('The URL of the repository that has the chart.').optional(),
  version: text().describe('The version of a chart that helm fetches. Default: the newest.').optional(),
});
const deployStep = z.union([
  z.strictObject({
    kustomize: text().describe('The folder of a kustomization.'),
    enableHelm: z
      .boolean()
      .describe('Let it inflate its helmCharts: `--enable-helm` of kustomize. Default: false.')
      .optional(),
    loadRestrictor: z
      .enum(['rootOnly', 'none'])
      .describe('Which files it may read: rootOnly, those below its folder, or none, any file. Default: rootOnly.')
      .optional(),
    wait,
  }),
  z.strictObject({
    manifests: z.union([text(), z.array(text()).min(1)]).describe('Manifest files: globs, relative to this file.'),
    wait,
  }),
  z.strictObject({ helm: helm.describe('A chart, as `helm template` renders it.'), wait }),
]);

const podTemplate = z.strictObject({
  kind: z
    .string()
    .regex(/^[A-Z][A-Za-z0-9]*$/, 'expected a kind, like Rollout')
    .describe('The kind, like Rollout.'),
  group: text().describe('Its API group, like argoproj.io. Default: any.').optional(),
  path: z
    .string()
    .regex(/^([-\w]+|\*)(\.([-\w]+|\*))*$/, 'expected keys with dots between them, like spec.template')
    .describe('Where its pod template stands, like spec.template; * for every item of a list or a map.'),
});

const forward = z.strictObject({
  to: z
    .string()
    .regex(/^[a-zA-Z]+\/[a-z0-9][-.a-z0-9]*$/, 'expected kind/name, like service/web')
    .describe(
      'What to reach: service/NAME, or deployment/, statefulset/, daemonset/, replicaset/, job/ or pod/NAME (svc, deploy, sts … too).',
    ),
  namespace: z
    .string()
    .regex(dnsLabel, 'a namespace is lower-case letters, digits and dashes, 63 at most')
    .describe("Where it is. Default: where the manifests have it, else the project's namespace.")
    .optional(),
  port: z.union([portNumber(), text()]).describe('The port there: a number or the name of a port.'),
  local: z
    .union([portNumber(), z.literal('auto')])
    .describe('The local port; `auto` takes a free one. Default: the same number as `port`.')
    .optional(),
  address: text().describe('The local address to listen on. Default: 127.0.0.1.').optional(),
});

const logExclude = z.strictObject({
  service: text().describe('Only lines of this service or workload.').optional(),
  container: text().describe('Only lines of containers with this name.').optional(),
  match: text().describe('Only lines that this regular expression matches.').optional(),
});

/** What an environment may lay over the rest. */
const layered = {
  cluster: cluster.describe('Where the project runs.').optional(),
  registry: text()
    .describe(
      'Where images are pushed, like localhost:5000; `k3d` loads them into the nodes. Default: what the cluster announces.',
    )
    .optional(),
  services: z
    .record(z.string(), service)
    .describe('By name: the images that are built, and every workload that uses them.')
    .optional(),
  podTemplates: z
    .array(podTemplate)
    .describe("Where kinds that are not Kubernetes' own keep pod templates, so that their images are pinned.")
    .optional(),
  deploy: z.array(deployStep).describe('What is applied, in this order.').optional(),
  restartOnConfigChange: z
    .boolean()
    .describe('Replace pods when what they use of ConfigMaps and Secrets in the manifests changes. Default: true.')
    .optional(),
  forward: z
    .union([z.literal('auto'), z.array(z.union([forward, z.literal('auto')]))])
    .describe('Local ports that lead into the cluster: rules, and `auto` for every port of the Services.')
    .optional(),
  logs: z
    .strictObject({
      exclude: z
        .array(logExclude)
        .describe('Lines to leave out: those that everything given in one entry matches.')
        .optional(),
      history: z
        .boolean()
        .describe('Keep the logs of sessions in .stormctl/logs, for `stormctl logs --history`. Default: true.')
        .optional(),
      mask: z
        .boolean()
        .describe("Hide the values of the project's Secrets in logs and other output. Default: true.")
        .optional(),
      fold: z
        .boolean()
        .describe('Show lines of JSON and logfmt as level, message and fields. Default: true.')
        .optional(),
      fields: z
        .array(text())
        .describe('The fields of such lines that are shown, like reqId or req.url. Default: all.')
        .optional(),
      level: z
        .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
        .describe('The least level that is shown; lines that name none are shown too. Default: all.')
        .optional(),
    })
    .describe('What is shown of the logs.')
    .optional(),
  onExit: z
    .enum(['delete', 'keep'])
    .describe('What Ctrl+C does with what was applied. Volumes stay either way. Default: delete.')
    .optional(),
  restoreNamespace: z
    .boolean()
    .describe('In `dev`, apply everything again when somebody else deletes the namespace. Default: true.')
    .optional(),
  confirm: z
    .boolean()
    .describe('Show the cluster and what would change, and ask before the first write; --yes answers. Default: false.')
    .optional(),
  timeout: text()
    .describe('How long `run` waits until all is ready, and `delete` until all is gone, like 90s or 5m. Default: 5m.')
    .optional(),
};

const environmentSchema = z.strictObject(layered);

export const configSchema = z.strictObject({
  apiVersion: z.literal(apiVersion).describe('The version of this format.').optional(),
  name: text().describe("The project's name. Default: the folder's name.").optional(),
  ...layered,
  environments: z
    .record(z.string(), environmentSchema)
    .describe('By name, for `-e NAME`: laid over the above, maps merged, lists replaced.')
    .optional(),
});

export type ConfigInput = z.infer<typeof configSchema>;
export type EnvironmentInput = z.infer<typeof environmentSchema>;
export type ServiceInput = z.infer<typeof service>;
export type BuildInput = z.infer<typeof build>;
export type HelmInput = z.infer<typeof helm>;
export type ForwardInput = z.infer<typeof forward>;

/** @returns the JSON Schema of stormctl.yaml, for editors: the same source as the checks, a description on every key. */
export function configJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(configSchema, { io: 'input' });
  return { $schema, title: 'stormctl.yaml', ...rest };
}
