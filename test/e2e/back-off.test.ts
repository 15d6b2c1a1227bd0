import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cli } from '../support/cli.ts';
import { type HelloProject, helloProject } from '../support/hello-project.ts';
import { kubectl, lab } from '../support/lab.ts';
import { eventually, get, objectsIn } from '../support/outside.ts';

/** Ends the app, soon after its file says so. */
const touchy = `import { readFileSync } from 'node:fs';
setInterval(() => {
  if (readFileSync(greeting, 'utf8').startsWith('crash')) process.exit(3);
}, 50);
`;

describe('an app that crashes is mended by a save, not after its back-off', { skip: lab.skip }, () => {
  let project: HelloProject;

  before(async () => {
    project = await helloProject('t-back-off');
  });
  after(async () => {
    await kubectl(['delete', 'namespace', project.namespace, '--ignore-not-found', '--wait=false']);
    await project[Symbol.asyncDispose]();
  });

  test('a syntax error that was built in, and one file that was synced in', async () => {
    const good = `${await project.read('src/server.js')}\n${touchy}`;
    await project.write('src/server.js', `${good}\nconst = 'a syntax error';\n`);
    await using dev = new Cli(['dev', '-o', 'json'], {
      cwd: project.folder,
      env: { KUBECONFIG: lab.kubeconfig },
    });
    await dev.report('deploy.waiting', ({ because }) => /keeps crashing: exit code 1/.test(because), {
      timeoutMs: 120_000,
    });
    const [crashing] = await objectsIn(project.namespace, 'pods');
    await project.write('src/server.js', good);
    await dev.report('loop.decided', ({ action }) => action === 'sync');
    const warning = await dev.report('warning', ({ service }) => service === 'hello');
    assert.match(warning.text, /hello-\S+\/hello is in back-off after exit code 1$/);
    await dev.report('session.ready');
    await eventually(
      'the answer',
      () => get(project.url),
      (body) => body === 'hello, storm\n',
    );
    const pods = await objectsIn(project.namespace, 'pods');
    assert.ok(
      pods.some(({ metadata }) => metadata.name !== crashing?.metadata.name),
      'it is another pod that answers',
    );

    await project.write('src/greeting.txt', 'crash\n');
    await dev.until('the build that follows the crash', (seen) => seen.reportsOf('warning').length > 1, 90_000);
    assert.match(dev.reportsOf('warning')[1]?.text ?? '', /is in back-off after exit code 3$/);
    await project.write('src/greeting.txt', 'mended\n');
    await eventually(
      'the mended answer',
      () => get(project.url),
      (body) => body === 'mended\n',
      60_000,
    );

    dev.kill('SIGINT');
    assert.equal((await dev.ended).code, 130, dev.stderr);
  });
});
