import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Cli, runCli } from '../support/cli.ts';
import { freePort } from '../support/hello-project.ts';
import { kubectl, lab } from '../support/lab.ts';
import { ask, get, objectsIn } from '../support/outside.ts';

const env = { KUBECONFIG: lab.kubeconfig };
const name = 't-capteur';

describe('examples/capteur, its manifests sorted by kind', { skip: lab.skip }, () => {
  let folder: string;
  let api: number;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stormctl-capteur-'));
    await cp('examples/capteur', folder, { recursive: true });
    api = await freePort();
    const config = join(folder, 'stormctl.yaml');
    const text = (await readFile(config, 'utf8'))
      .replace('name: capteur', `name: ${name}`)
      .replace('namespace: capteur', `namespace: ${name}`)
      .replace('local: 3000', `local: ${api}`)
      .replace('local: 5432', `local: ${await freePort()}`);
    await writeFile(config, text);
  });
  after(async () => {
    await kubectl(['delete', 'namespace', name, '--ignore-not-found', '--wait=false']);
    await rm(folder, { recursive: true, force: true });
  });

  test('run brings up the database and then the API, which answers through the forward', async () => {
    const run = await runCli(['run'], { cwd: folder, env });
    assert.equal(run.code, 0, `${run.text}\n${run.stderr}`);
    const [ready, applied] = [/^statefulset\/postgis ready/, /created: deployment\/api-capteur/].map((pattern) =>
      run.lines.findIndex((line) => pattern.test(line)),
    );
    assert.ok(ready !== undefined && applied !== undefined && ready >= 0 && ready < applied, run.text);

    await using forward = new Cli(['forward', '-o', 'json'], { cwd: folder, env });
    await forward.report('forward.ready');
    const url = `http://localhost:${api}`;
    const paris = { name: 'paris', lat: 48.8566, lon: 2.3522, value: 21.5 };
    const { status, body } = await ask('POST', `${url}/capteurs`, paris);
    assert.deepEqual([status, JSON.parse(body)], [201, paris]);
    const [near, ...others] = JSON.parse(await get(`${url}/capteurs/near?lat=48.85&lon=2.35&km=1`)) as { km: number }[];
    assert.deepEqual([near?.km.toFixed(2), others], ['0.75', []]);

    await writeFile(
      join(folder, 'infra/configmap/more.yaml'),
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n',
    );
    const again = await runCli(['run'], { cwd: folder, env });
    assert.match(again.text, /created: configmap\/more/);
    const names = (await objectsIn(name, 'configmaps')).map(({ metadata }) => metadata.name);
    assert.ok(names.includes('more'), 'a manifest that is new in its folder is applied');
  });
});
