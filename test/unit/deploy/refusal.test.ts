import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterFailure } from '../../../src/deploy/ask.ts';
import { fieldsNamed, refusalOf, unknownKind } from '../../../src/deploy/refusal.ts';
import { Failure } from '../../../src/errors.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';

const id = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'storm', name: 'web' };

/** As API servers of Kubernetes 1.33 write them. */
const cases = {
  'a right that is missing': [
    403,
    'deployments.apps "web" is forbidden: User "system:serviceaccount:storm:ci" cannot patch resource "deployments" in API group "apps" in the namespace "storm"',
    'deployment/web in storm is forbidden: the user system:serviceaccount:storm:ci may not patch deployments in storm',
    6,
  ],
  'a webhook that refuses': [
    403,
    'admission webhook "policy.example.com" denied the request: no :latest here',
    'deployment/web in storm is refused by the admission webhook policy.example.com: no :latest here',
    6,
  ],
  'a webhook that refuses without a reason': [
    400,
    'admission webhook "policy.example.com" denied the request without explanation',
    'deployment/web in storm is refused by the admission webhook policy.example.com: without explanation',
    6,
  ],
  'a webhook that does not answer': [
    500,
    'Internal error occurred: failed calling webhook "policy.example.com": failed to call webhook: Post "https://p.x.svc:443/?timeout=10s": service "p" not found',
    'deployment/web in storm could not be written: the admission webhook policy.example.com does not answer',
    6,
  ],
  'an admission policy': [
    422,
    "deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'few.example.com' with binding 'few' denied request: failed expression: object.spec.replicas <= 5",
    'deployment/web in storm is refused by the admission policy few.example.com: failed expression: object.spec.replicas <= 5',
    6,
  ],
  'a pod that its namespace does not allow': [
    403,
    'pods "web" is forbidden: violates PodSecurity "restricted:latest": privileged',
    'deployment/web in storm is refused by the namespace: it violates PodSecurity "restricted:latest": privileged',
    6,
  ],
  'a quota': [
    403,
    'configmaps "x" is forbidden: exceeded quota: few, requested: count/configmaps=1, used: count/configmaps=3, limited: count/configmaps=3',
    'deployment/web in storm exceeds the quota few: requested: count/configmaps=1, used: count/configmaps=3, limited: count/configmaps=3',
    6,
  ],
  'a namespace that is being deleted': [
    403,
    'deployments.apps "web" is forbidden: unable to create new content in namespace storm because it is being terminated',
    "deployment/web in storm can't be made: its namespace is being deleted",
    6,
  ],
  'a limit range': [
    403,
    'pods "web" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi',
    'deployment/web in storm is forbidden: pods "web" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi',
    6,
  ],
  "what a StorageClass can't change": [
    422,
    'StorageClass.storage.k8s.io "fast" is invalid: parameters: Forbidden: updates to parameters are forbidden.',
    "deployment/web in storm can't be changed in place: parameters can be set only at creation",
    2,
  ],
  "what a PriorityClass can't change": [
    422,
    'PriorityClass.scheduling.k8s.io "high" is invalid: value: Forbidden: may not be changed in an update.',
    "deployment/web in storm can't be changed in place: value can be set only at creation",
    2,
  ],
  'a value that YAML reads as a number': [
    500,
    'failed to create typed patch object (storm/web; /v1, Kind=ConfigMap): .data.a: expected string, got &value.valueUnstructured{Value:1}',
    'deployment/web in storm is refused: data.a: expected string, got 1',
    2,
  ],
  'several fields at once': [
    500,
    'failed to create typed patch object (storm/web; /v1, Kind=ConfigMap): errors:\n  .data.a: expected string, got &value.valueUnstructured{Value:1}\n  .data.b: expected string, got &value.valueUnstructured{Value:true}',
    'deployment/web in storm is refused: data.a: expected string, got 1; data.b: expected string, got true',
    2,
  ],
} as const;

for (const [what, [status, message, expected, code]] of Object.entries(cases))
  test(`${what} is named`, () => {
    const field = / is invalid: (\w+): /.exec(message)?.[1];
    const details = field === undefined ? {} : { causes: [{ reason: 'FieldValueForbidden', message, field }] };
    const failure = refusalOf(id, 'web.yaml:1:1', refusal('PATCH', '/x', status, 'Forbidden', message, details));
    assert.equal(failure.message, expected);
    assert.equal(failure.exitCode, code);
    assert.equal(failure.where, 'web.yaml:1:1');
  });

test('a value that is to be text says how it becomes one', () => {
  const words =
    'failed to create typed patch object (x): .data.a: expected string, got &value.valueUnstructured{Value:1.5}';
  for (const value of ['1.5', '-3', 'true', 'false'])
    assert.match(refusalOf(id, '', refusal('PATCH', '/x', 500, '', words.replace('1.5', value))).next ?? '', /quotes/);
  const other = 'failed to create typed patch object (x): .spec.replicas: expected numeric (int or float), got string';
  assert.equal(refusalOf(id, '', refusal('PATCH', '/x', 500, '', other)).next, 'correct the manifest');
});

test('the fields that a refusal names are known, of one that has no causes too', () => {
  const of = (message: string, ...fields: readonly string[]) =>
    fieldsNamed(refusal('PATCH', '/x', 422, '', message, { causes: fields.map((field) => ({ field })) }));
  assert.deepEqual(of('x is invalid: …', 'spec.replicas', 'spec.ports[0].port'), [
    'spec.replicas',
    'spec.ports[0].port',
  ]);
  assert.deepEqual(of('a rule of a definition', '<nil>'), []);
  const untyped = 'failed to create typed patch object (storm/web; apps/v1, Kind=Deployment): ';
  assert.deepEqual(of(`${untyped}.spec.containers[name="web"].imagee: field not declared in schema`), [
    '.spec.containers[name="web"].imagee',
  ]);
  assert.deepEqual(of(`${untyped}errors:\n  .data.a: expected string, got 1\n  .data.b: expected string, got: .c: 2`), [
    '.data.a',
    '.data.b',
  ]);
  assert.deepEqual(of('deployments.apps "web" is forbidden: User "ci" cannot patch'), []);
});

test('a kind that the cluster does not know names the nearest that it has', async () => {
  const kube = new FakeKube();
  const { signal } = new AbortController();
  const nearest = new Failure('usage', 'the cluster knows no kind Deploymnt in apps/v1', {
    next: 'did you mean Deployment?',
  });
  kube.resource = () => Promise.reject(nearest);
  const unknown = { ...id, kind: 'Deploymnt' };
  assert.equal((await unknownKind(kube, unknown, 'web.yaml:1:1', signal)).next, 'did you mean Deployment?');
  kube.resource = () => Promise.reject(refusal('GET', '/apis/apps/v1', 503, '', 'busy'));
  assert.match((await unknownKind(kube, unknown, 'web.yaml:1:1', signal)).next ?? '', /CustomResourceDefinition/);
  kube.resource = () => Promise.reject(new Failure('unreachable', 'the cluster is away', { next: 'start it' }));
  assert.match((await unknownKind(kube, unknown, 'web.yaml:1:1', signal)).next ?? '', /CustomResourceDefinition/);
});

test('a right that is missing for anything else is named the same way, of the cluster too', () => {
  const message =
    'namespaces is forbidden: User "ann" cannot create resource "namespaces" in API group "" at the cluster scope';
  const failure = clusterFailure(refusal('POST', '/api/v1/namespaces', 403, 'Forbidden', message));
  assert.ok(failure instanceof Failure);
  assert.equal(failure.message, 'the user ann may not create namespaces in the whole cluster');
  assert.equal(failure.exitCode, 6);
});
