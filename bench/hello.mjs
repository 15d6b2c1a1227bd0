import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { must } from './site.mjs';

const registry = 'localhost:5000';
/** A tag is never used twice: a node that has it would not pull it again. */
const tags = { last: 0 };

/** A scratch copy of examples/hello, with a name and a namespace of its own and any local port. */
export function helloProject(bench, site, name) {
  const folder = join(bench.scratch, name);
  cpSync('examples/hello', folder, { recursive: true });
  site.ownNamespace(name);
  const project = {
    namespace: name,
    folder,
    read: (path) => readFileSync(join(folder, path), 'utf8'),
    write: (path, text) => writeFileSync(join(folder, path), text),
    edit(path, from, to) {
      const text = project.read(path);
      if (!text.includes(from)) throw new Error(`${path} has no ${from}`);
      project.write(path, text.replace(from, to));
    },
  };
  project.edit('stormctl.yaml', 'name: hello', `name: ${name}`);
  const cluster = site.context ? `namespace: ${name}\n  context: ${site.context}` : `namespace: ${name}`;
  project.edit('stormctl.yaml', 'namespace: hello', cluster);
  project.edit('stormctl.yaml', 'local: 8081', 'local: auto');
  return project;
}

/** `dev` on a project. `ready` resolves when all that it applied is. */
export function startDev(bench, site, { folder }) {
  const { env } = site;
  const dev = bench.start(process.execPath, [resolve('bin/stormctl.js'), 'dev', '-o', 'json'], { cwd: folder, env });
  const nth = (type, count = 1) =>
    dev.find(type, (lines) => lines.filter((line) => line.includes(`"type":"${type}"`))[count - 1]);
  return { pid: dev.child.pid, nth, end: () => dev.end('SIGINT') };
}

/** The same project as somebody without stormctl runs it: `docker build`, `docker push`, `kubectl apply`, `kubectl exec … tar`. */
export function helloByHand(bench, site, name) {
  const project = helloProject(bench, site, name);
  let image = '';
  const byHand = {
    ...project,
    start(text) {
      project.write('src/greeting.txt', text);
      image = `${registry}/hello-by-hand:${process.pid}-${++tags.last}`;
      must('docker', ['build', '-q', '-t', image, project.folder], site);
      must('docker', ['push', '-q', image], site);
      const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
      site.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(namespace));
      byHand.apply();
    },
    apply() {
      const objects = project.read('k8s/hello.yaml').replace('image: hello\n', `image: ${image}\n`);
      site.kubectl(['apply', '--server-side', '-n', name, '-f', '-'], objects);
    },
    sync(path) {
      const pod = site.kubectl(['get', 'pod', '-n', name, '-l', 'app=hello', '-o', 'name']).trim().split('\n')[0];
      const tar = spawnSync('tar', ['cf', '-', path], { cwd: project.folder });
      site.kubectl(['exec', '-i', '-n', name, pod, '--', 'tar', 'xf', '-', '-C', '/app'], tar.stdout);
    },
  };
  return byHand;
}
