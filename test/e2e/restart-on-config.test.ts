import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cli, runCli } from '../support/cli.ts';
import { type HelloProject, helloProject } from '../support/hello-project.ts';
import { kubectl, lab } from '../support/lab.ts';
import { eventually, objectsIn } from '../support/outside.ts';

const env = { KUBECONFIG: lab.kubeconfig };

/** Says what it was given, as a variable and as a file, and waits. */
const workload = (name: string) => `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: ${name}
          command: [sh, -c, 'echo "$WORD $(cat /secrets/pin)"; exec sleep 1000']
          env: [{ name: WORD, valueFrom: { configMapKeyRef: { name: words, key: used } } }]
          volumeMounts: [{ name: secrets, mountPath: /secrets }]
      volumes: [{ name: secrets, secret: { secretName: pins } }]
---
`;
const settings = `{ apiVersion: v1, kind: ConfigMap, metadata: { name: words }, data: { used: one, unused: one } }
---
{ apiVersion: v1, kind: Secret, metadata: { name: pins }, stringData: { pin: first } }
`;

describe('changed settings', { skip: lab.skip }, () => {
  let project: HelloProject;
  const inProject = () => ({ cwd: project.folder, env });

  before(async () => {
    project = await helloProject('t-settings');
    await project.write('k8s/hello.yaml', workload('hello') + workload('still') + settings);
    const config = await project.read('stormctl.yaml');
    const services = 'services:\n  still: { build: ., restartOnConfigChange: false }\n';
    await project.write(
      'stormctl.yaml',
      config.replace('services:\n', services).replace(/^forward:.*/ms, 'onExit: keep\n'),
    );
  });
  after(async () => {
    await kubectl(['delete', 'namespace', project.namespace, '--ignore-not-found', '--wait=false']);
    await project[Symbol.asyncDispose]();
  });

  /** @returns what the newest pod of a workload was given, and its uid: it may take its time to say it. */
  const newest = (name: string) =>
    eventually(
      `what ${name} was given`,
      () => newestNow(name),
      ({ says }) => says !== '',
    );

  async function newestNow(name: string): Promise<{ readonly says: string; readonly uid: string | undefined }> {
    const pods = await objectsIn(project.namespace, 'pods');
    const [pod] = pods
      .filter(({ metadata }) => metadata.labels?.['app'] === name && metadata.deletionTimestamp === undefined)
      .toSorted((a, b) => b.metadata.creationTimestamp.localeCompare(a.metadata.creationTimestamp));
    const says = await kubectl(['logs', '-n', project.namespace, pod?.metadata.name ?? 'none']);
    return { says: says.trim(), uid: pod?.metadata.uid };
  }

  async function run(): Promise<string> {
    const { code, text, stderr } = await runCli(['run'], inProject());
    assert.equal(code, 0, text + stderr);
    return text;
  }

  test('run replaces the pod that uses a changed key of a ConfigMap, and says so; for another key it does not', async () => {
    assert.doesNotMatch(await run(), /restarts/);
    const first = await newest('hello');
    assert.equal(first.says, 'one first');
    const still = await newest('still');
    await project.edit('k8s/hello.yaml', 'unused: one', 'unused: two');
    assert.match(await run(), /1 changed: configmap\/words/);
    assert.equal((await newest('hello')).uid, first.uid);
    await project.edit('k8s/hello.yaml', 'used: one', 'used: two');
    assert.match(await run(), /deployment\/hello restarts · configmap\/words changed/);
    assert.equal((await newest('hello')).says, 'two first');
    assert.deepEqual(await newest('still'), still, 'restartOnConfigChange: false leaves it');
  });

  test('dev does so when a Secret is saved', async () => {
    await using dev = new Cli(['dev', '-o', 'json'], inProject());
    await dev.report('session.ready');
    assert.equal((await newest('hello')).says, 'two first');
    await project.edit('k8s/hello.yaml', 'pin: first', 'pin: other');
    const { object, because } = await dev.report('deploy.restarts');
    assert.deepEqual([object.name, because.map(({ kind, name }) => [kind, name])], ['hello', [['Secret', 'pins']]]);
    await eventually(
      'a pod with the new value',
      () => newest('hello'),
      ({ says }) => says === 'two other',
    );
    assert.equal((await newest('still')).says, 'one first');
    dev.kill('SIGINT');
    await dev.ended;
  });
});
