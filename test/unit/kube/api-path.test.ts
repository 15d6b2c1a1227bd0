import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pathOf, withQuery } from '../../../src/kube/api-path.ts';

const pods = { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };
const roles = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  plural: 'clusterroles',
  namespaced: false,
};

test('the core group is under /api, the others under /apis', () => {
  assert.equal(pathOf(pods, { namespace: 'storm', name: 'web' }), '/api/v1/namespaces/storm/pods/web');
  assert.equal(pathOf(roles, {}), '/apis/rbac.authorization.k8s.io/v1/clusterroles');
});

test('without a name it is the collection, without a namespace that of all namespaces', () => {
  assert.equal(pathOf(pods, { namespace: 'storm' }), '/api/v1/namespaces/storm/pods');
  assert.equal(pathOf(pods, {}), '/api/v1/pods');
});

test('names are percent-encoded and keep their case, and a kind without namespaces gets none', () => {
  assert.equal(
    pathOf(roles, { namespace: 'storm', name: 'system:MyRole' }),
    '/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3AMyRole',
  );
});

test('a list in a query repeats its key, and what is undefined is left out', () => {
  assert.equal(
    withQuery('/exec', { command: ['sh', '-c', 'a b'], stdin: false, tty: undefined }),
    '/exec?command=sh&command=-c&command=a%20b&stdin=false',
  );
});
