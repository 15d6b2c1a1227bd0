import { randomOf } from '../support/random.ts';

type Value = unknown;
type Fields = Readonly<Record<string, Value>>;
type Random = (below: number) => number;

export interface Generated extends Fields {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

/** A scalar as it shall stand in the text, for what JSON has no word for; see {@link formatObjects}. */
const raw = (text: string) => `@raw:${text}`;

/** The group of the custom objects; `@side@` is to be replaced, for definitions are shared by a whole cluster. */
const groupOf = (seed: string) => `${seed}.@side@.t-same.example.com`;

/**
 * Two generations of a set of objects, the same for the same seed: fields, items of lists and objects come, change and go.
 * What can't be changed in place stays as it was.
 */
export function generateObjects(seed: number): readonly [readonly Generated[], readonly Generated[]] {
  const generation = (number: number) => {
    const random = randomOf(seed * 1000 + number);
    const all = Object.entries(builders).flatMap(([kind, build]) =>
      ['a', 'b'].map((letter) => {
        const object = build(`s${seed}-${kind.toLowerCase()}-${letter}`, random, letter === 'a');
        const metadata = { ...metadataOf(random), ...object.metadata };
        // One that has no labels, not even stormctl's, gets those of its template from the server.
        return { ...object, metadata: kind === 'Job' ? { ...metadata, labels: { app: 'x' } } : metadata };
      }),
    );
    // The first one leaves out some, the second one others.
    return [definition(groupOf(`s${seed}`), random), ...all.filter(() => random(5) > 0)];
  };
  return [generation(1), generation(2)];
}

/** @returns a file with the objects, as JSON but for what JSON can't say. */
export function formatObjects(objects: readonly Generated[]): string {
  const texts = objects.map((object) => JSON.stringify(object).replaceAll(/"@raw:([^"]+)"/g, '$1'));
  return `${texts.join('\n---\n')}\n`;
}

/** Some of the fields. */
function some(random: Random, fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(() => random(2) === 0));
}

function few<T>(random: Random, items: readonly T[], least = 0): readonly T[] {
  const kept = items.filter(() => random(2) === 0);
  return kept.length >= least ? kept : items.slice(0, least);
}

function one<T>(random: Random, items: readonly [T, ...T[]]): T {
  return items[random(items.length)] ?? items[0];
}

function metadataOf(random: Random): Fields {
  return some(random, {
    labels: one<Value>(random, [{ app: 'x', 'example.com/empty': '' }, { app: 'y' }, {}, null]),
    annotations: one<Value>(random, [
      { 'example.com/json': '{"a":[1,2]}', 'example.com/empty': '' },
      { 'example.com/big': '9007199254740993', 'example.com/lines': 'a\n  b\n' },
      {},
      null,
    ]),
  });
}

function podSpec(random: Random): Fields {
  const cpu = () => one(random, [raw('0.5'), '500m', raw('1'), '0.25', '1e-1']);
  const memory = () => one(random, ['128Mi', '0.125Gi', raw('134217728'), raw('1e8'), '129e6']);
  const container = (name: string): Fields => ({
    name,
    image: 'alpine',
    ...some(random, {
      command: ['sleep', one(random, ['1000', '0644', 'yes'])],
      args: [],
      env: few(random, [
        { name: 'EMPTY', value: '' },
        { name: 'WORD', value: one(random, ['a', '1e3', ' b ']) },
        { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'NONE' },
        { name: 'LIMIT', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } },
      ]),
      ports: few(random, [
        { containerPort: 53, protocol: 'UDP' },
        { containerPort: 53, protocol: 'TCP' },
        { containerPort: 80, name: 'http' },
      ]),
      resources: some(random, { limits: some(random, { cpu: cpu(), memory: memory() }), requests: {} }),
      livenessProbe: { exec: { command: ['true'] }, ...some(random, { periodSeconds: 7, failureThreshold: 5 }) },
      securityContext: one<Value>(random, [{}, { capabilities: { drop: ['ALL'] } }, { runAsUser: 0 }]),
      volumeMounts: few(random, [
        { name: 'empty', mountPath: '/empty' },
        { name: 'files', mountPath: '/files', readOnly: true, subPath: 'x' },
      ]),
      imagePullPolicy: 'IfNotPresent',
    }),
  });
  const mode = () => one(random, [raw('0644'), raw('0o400'), 420, 256]);
  return {
    containers: [container('main'), ...(random(2) === 0 ? [container('side')] : [])],
    // The mounts need them.
    volumes: [
      { name: 'empty', emptyDir: one<Value>(random, [{}, { medium: 'Memory' }, { sizeLimit: '1.5Gi' }]) },
      { name: 'files', configMap: { name: 'none', optional: true, ...some(random, { defaultMode: mode() }) } },
      ...few(random, [
        { name: 'hidden', secret: { secretName: 'none', items: [{ key: 'k', path: 'p', mode: mode() }] } },
        { name: 'down', downwardAPI: { items: [{ path: 'l', fieldRef: { fieldPath: 'metadata.labels' } }] } },
      ]),
    ],
    ...some(random, {
      initContainers: few(random, [{ name: 'first', image: 'alpine', command: ['true'] }]),
      terminationGracePeriodSeconds: random(60),
      tolerations: few(random, [
        { key: 'a', operator: 'Exists' },
        { key: 'a', operator: 'Equal', value: '', effect: 'NoSchedule' },
      ]),
      hostAliases: few(random, [
        { ip: '10.0.0.1', hostnames: ['a', 'b'] },
        { ip: '10.0.0.2', hostnames: ['a'] },
      ]),
      securityContext: {},
      imagePullSecrets: one<Value>(random, [[], [{ name: 'x' }], null]),
      dnsConfig: { options: few(random, [{ name: 'ndots', value: '2' }, { name: 'edns0' }]) },
      affinity: one<Value>(random, [
        {},
        {
          podAntiAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              { weight: 1, podAffinityTerm: { topologyKey: 'kubernetes.io/hostname' } },
            ],
          },
        },
      ]),
    }),
  };
}

function template(random: Random, app: string, more: Fields = {}): Fields {
  const metadata = { labels: { app }, ...some(random, { annotations: { 'example.com/a': '' } }) };
  return { metadata, spec: { ...podSpec(random), ...more } };
}

type Build = (name: string, random: Random, isFirst: boolean) => Generated;

const ports = [
  { name: 'dns', port: 53, protocol: 'UDP' },
  { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 'dns' },
  { name: 'web', port: 80, targetPort: 8080 },
  { name: 'alt', port: 8080, appProtocol: 'http' },
];

const builders: Readonly<Record<string, Build>> = {
  ConfigMap: (name, random) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    ...some(random, {
      data: one<Value>(random, [
        { empty: '', big: '9007199254740993', word: 'yes', lines: 'a\n\n  b' },
        { word: 'no', 'file.yaml': 'a: 0644\n' },
        {},
        null,
      ]),
      binaryData: one<Value>(random, [{ bytes: 'AAEC/w==' }, { other: '' }]),
    }),
  }),
  Secret: (name, random) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name },
    type: 'Opaque',
    ...some(random, {
      data: some(random, { a: 'YQ==', b: '' }),
      stringData: some(random, { c: 'ü', d: '', e: '0644' }),
    }),
  }),
  Service: (name, random, isFirst) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: {
      ports: few(random, ports, 1),
      selector: { app: one(random, ['x', 'y']) },
      ...(isFirst ? { clusterIP: 'None' } : some(random, { type: one(random, ['NodePort', 'ClusterIP']) })),
      ...some(random, { sessionAffinity: 'ClientIP', publishNotReadyAddresses: true }),
    },
  }),
  Deployment: (name, random, isFirst) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: name } },
      template: template(random, name),
      ...(isFirst ? { strategy: { type: 'Recreate' } } : {}),
      ...some(random, {
        minReadySeconds: random(5),
        revisionHistoryLimit: 0,
        progressDeadlineSeconds: 700,
        ...(isFirst ? {} : { strategy: { rollingUpdate: some(random, { maxSurge: '10%', maxUnavailable: 1 }) } }),
      }),
    },
  }),
  StatefulSet: (name, random) => ({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name },
    spec: {
      replicas: 0,
      serviceName: name,
      selector: { matchLabels: { app: name } },
      template: template(random, name),
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '0.5Gi' } } },
        },
      ],
      ...some(random, {
        minReadySeconds: 1,
        updateStrategy: { rollingUpdate: some(random, { partition: random(2) }) },
        persistentVolumeClaimRetentionPolicy: { whenDeleted: one(random, ['Delete', 'Retain']) },
      }),
    },
  }),
  DaemonSet: (name, random) => ({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name },
    spec: {
      selector: { matchLabels: { app: name } },
      template: template(random, name, { nodeSelector: { 'example.com/none': '' } }),
      ...some(random, { updateStrategy: { type: one(random, ['OnDelete', 'RollingUpdate']) } }),
    },
  }),
  Job: (name, random) => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: {
      suspend: true,
      // Without it the server gives one or none, which then can't be changed.
      completions: 1,
      template: template(randomOf(name.length), name, { restartPolicy: 'Never' }),
      ...some(random, { parallelism: random(3), backoffLimit: random(3), activeDeadlineSeconds: 100 + random(5) }),
    },
  }),
  CronJob: (name, random) => ({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name },
    spec: {
      suspend: true,
      schedule: one(random, ['0 0 1 1 *', '@yearly']),
      jobTemplate: { spec: { template: template(random, name, { restartPolicy: 'OnFailure' }) } },
      ...some(random, { concurrencyPolicy: 'Forbid', timeZone: 'Etc/UTC', failedJobsHistoryLimit: 0 }),
    },
  }),
  ServiceAccount: (name, random) => ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name },
    ...some(random, {
      automountServiceAccountToken: false,
      imagePullSecrets: few(random, [{ name: 'a' }, { name: 'b' }]),
    }),
  }),
  Role: (name, random) => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name },
    rules: few(random, [
      { apiGroups: [''], resources: ['pods', 'pods/log'], verbs: ['get'] },
      { apiGroups: ['', 'apps'], resources: ['*'], verbs: ['list', 'watch'], resourceNames: [] },
      { apiGroups: ['*'], resources: ['secrets'], verbs: ['get'], resourceNames: ['a', 'b'] },
    ]),
  }),
  RoleBinding: (name, random) => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
    ...some(random, {
      subjects: few(random, [
        { kind: 'ServiceAccount', name: 'default', namespace: '@namespace@' },
        { kind: 'User', name: 'ann', apiGroup: 'rbac.authorization.k8s.io' },
      ]),
    }),
  }),
  NetworkPolicy: (name, random) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name },
    spec: {
      podSelector: one<Value>(random, [{}, { matchLabels: { app: 'x' } }]),
      ...some(random, {
        policyTypes: ['Ingress', 'Egress'],
        ingress: few<Value>(random, [{}, { from: [], ports: [{ port: 53, protocol: 'UDP' }, { port: 53 }] }]),
        egress: few<Value>(random, [{ to: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }] }]),
      }),
    },
  }),
  Ingress: (name, random) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name },
    spec: {
      rules: few(
        random,
        ['a.example.com', 'b.example.com'].map((host) => ({
          host,
          http: {
            paths: few(
              random,
              ['/', '/api'].map((path) => ({
                path,
                pathType: one(random, ['Prefix', 'Exact']),
                backend: { service: { name: 'x', port: one<Value>(random, [{ number: 80 }, { name: 'web' }]) } },
              })),
              1,
            ),
          },
        })),
        1,
      ),
      ...some(random, { tls: few(random, [{ hosts: ['a.example.com'], secretName: 'x' }]), ingressClassName: 'none' }),
    },
  }),
  PodDisruptionBudget: (name, random) => ({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name },
    spec: {
      selector: one<Value>(random, [{}, { matchLabels: { app: 'x' } }]),
      ...one<Fields>(random, [{ minAvailable: '50%' }, { minAvailable: 1 }, { maxUnavailable: 0 }]),
    },
  }),
  HorizontalPodAutoscaler: (name, random) => ({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: one(random, ['none', 'nobody']) },
      maxReplicas: 2 + random(3),
      ...some(random, {
        minReplicas: 2,
        metrics: few<Value>(random, [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
          { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '0.5Gi' } } },
        ]),
        behavior: { scaleDown: { stabilizationWindowSeconds: random(10) } },
      }),
    },
  }),
  Thing: (name, random) => ({
    apiVersion: `${groupOf(name.split('-')[0] ?? '')}/v1`,
    kind: 'Thing',
    metadata: { name },
    ...some(random, {
      spec: some(random, {
        big: one(random, [raw('9007199254740993'), raw('-9223372036854775808'), raw('1.5'), raw('1e3'), raw('0.1')]),
        mode: raw('0644'),
        nothing: null,
        word: one(random, ['', 'yes', '1e3', '~']),
        map: one<Value>(random, [{}, { a: {}, b: null, c: [] }, { a: { b: { c: 1 } } }]),
        list: one<Value>(random, [[], [1, 'a', null, []], [{ name: 'a' }, { name: 'a' }], [[1], [2, 3]]]),
        flag: raw('yes'),
      }),
      data: few(random, ['a', 'b', 'a']),
    }),
  }),
};

function definition(group: string, random: Random): Generated {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `things.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind: 'Thing', plural: 'things', singular: 'thing', ...some(random, { shortNames: ['th'] }) },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          ...some(random, {
            additionalPrinterColumns: few(random, [
              { name: 'Word', type: 'string', jsonPath: '.spec.word' },
              { name: 'Mode', type: 'integer', jsonPath: '.spec.mode' },
            ]),
          }),
        },
      ],
    },
  };
}
