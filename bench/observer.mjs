/**
 * Runs in a container, by `kubectl exec … node -e`: watches a folder there, and prints a line for each save that it has
 * all of, with its own time. A save is files that begin with the same `save N of COUNT`. It knows nothing of stormctl.
 */
const program = `
const { readFileSync, watch } = require('node:fs');
const seen = new Map();
const look = (name) => {
  // What is written beside to be renamed is not there yet.
  if (!/^f\\d+\\.txt$/.test(name)) return;
  let text = '';
  try { text = readFileSync(process.argv[1] + '/' + name, 'utf8'); } catch { return; }
  const match = /^save (\\d+) of (\\d+)\\n/.exec(text);
  if (!match) return;
  const files = seen.get(match[1]) ?? new Set();
  seen.set(match[1], files);
  if (files.has(name)) return;
  files.add(name);
  if (files.size === Number(match[2]))
    console.log(JSON.stringify({ save: Number(match[1]), at: performance.timeOrigin + performance.now() }));
};
watch(process.argv[1], (_kind, name) => name && look(name));
console.log('{"watching":true}');
`;

/** One observer in each running pod of the project, each watching. */
export async function observe(bench, site, { namespace }, folder) {
  const selector = ['-l', 'app=hello', '--field-selector', 'status.phase=Running', '-o', 'json'];
  const { items } = JSON.parse(site.kubectl(['get', 'pods', '-n', namespace, ...selector]));
  const pods = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const of = site.context ? ['--context', site.context] : [];
  const observers = pods.map(({ metadata }) =>
    bench.start('kubectl', [...of, 'exec', '-i', '-n', namespace, metadata.name, '--', 'node', '-e', program, folder], {
      env: site.env,
    }),
  );
  const find = (what, pick) =>
    Promise.all(observers.map((one) => one.find(what, (lines) => lines.map(parse).find(pick))));
  await find('watching', ({ watching }) => watching);
  return {
    nodes: new Set(pods.map(({ spec }) => spec.nodeName)).size,
    pods: pods.map(({ metadata }) => metadata.name),
    /** @returns when the last of the containers had all of a save, in milliseconds since 1970. */
    async saved(save) {
      const lines = await find(`save ${save}`, (line) => line.save === save);
      return Math.max(...lines.map(({ at }) => at));
    },
    end: () => Promise.all(observers.map((one) => one.end())),
  };
}

function parse(line) {
  return JSON.parse(line);
}
