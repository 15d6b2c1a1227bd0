import { after, before } from 'node:test';
import { connectCluster } from '../../../src/kube/connect-cluster.ts';
import { Scope } from '../../../src/lib/scope.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { lab, testNamespace } from '../../support/lab.ts';
import { type Stage, testApi } from './api-suite.ts';

const fake = new FakeKube({ namespaces: ['storm'] });
testApi('the fake', { skip: false }, () => ({ kube: fake, namespace: 'storm' }));

const scope = new Scope();
let stage: Stage;
before(async () => {
  if (lab.skip !== false) return;
  const namespace = scope.own(await testNamespace('t-kube-api'));
  const options = { kubeconfig: lab.kubeconfig, context: lab.context, env: process.env };
  stage = { kube: scope.own(await connectCluster(options)), namespace: namespace.name };
});
after(() => scope[Symbol.asyncDispose]());
testApi('the lab', { skip: lab.skip }, () => stage);
