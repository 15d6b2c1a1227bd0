import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { kubeconfigFile } from '../../../src/kube/kubeconfig.ts';
import { withDefaults } from '../../../src/up/ensure-cluster.ts';

const asked = {
  name: 'storm',
  image: undefined,
  agents: 0,
  ports: [],
  registryPort: undefined,
  registriesFile: undefined,
};
const env = { STORMCTL_K3S_IMAGE: 'k3s:env', STORMCTL_K3S_REGISTRIES: '/env.yaml' };

describe('what a cluster is made of', () => {
  test('a flag or the config goes before the environment', () => {
    const { image, registriesFile } = withDefaults(
      { ...asked, image: 'k3s:asked', registriesFile: '/asked.yaml' },
      env,
    );
    assert.deepEqual([image, registriesFile], ['k3s:asked', '/asked.yaml']);
  });

  test('the environment goes before the default', () => {
    const { image, registriesFile } = withDefaults(asked, env);
    assert.deepEqual([image, registriesFile], ['k3s:env', '/env.yaml']);
  });

  test('an empty variable is none', () => {
    const empty = withDefaults(asked, { STORMCTL_K3S_IMAGE: '', STORMCTL_K3S_REGISTRIES: '' });
    assert.match(empty.image, /^rancher\/k3s:v/);
    assert.equal(empty.registriesFile, undefined);
    assert.deepEqual(empty, withDefaults(asked, {}));
  });

  test('its entries go where kubectl would write them', () => {
    assert.equal(kubeconfigFile({ KUBECONFIG: ':/one:/two' }), '/one');
    assert.equal(kubeconfigFile({ KUBECONFIG: '', HOME: '/home/me' }), '/home/me/.kube/config');
  });
});
