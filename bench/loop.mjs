// npm run bench [-- --rounds N] [-- --nodes 1] [-- --only PART] [-- --json FILE]: the loop of a small service (examples/hello,
// whose answer reads a file at each request) by stormctl and by hand, in turns in one run, and batches of files to several
// replicas on three nodes. What is measured, and how: bench/README.md.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyByHand } from './copy-by-hand.mjs';
import { openFrame, ratioOf } from './frame.mjs';
import { helloByHand, helloProject, startDev } from './hello.mjs';
import { memoryMb, pause, percentile, round } from './measure.mjs';
import { observe } from './observer.mjs';
import { openThreeNodes } from './site.mjs';

const frame = openFrame('bench', { rounds: '9', nodes: { type: 'string', default: '3' } });
const { bench, rounds, values } = frame;
await frame.run({
  sync: measureStartAndSync,
  rebuild: measureRebuild,
  apply: measureApply,
  batches: measureBatches,
});

async function measureStartAndSync(site) {
  const tool = helloProject(bench, site, 'bench-sync');
  const hand = helloByHand(bench, site, 'bench-hand-sync');
  hand.start('warm the build cache for both');
  site.kubectl(['delete', 'namespace', hand.namespace]);

  const startedAt = performance.now();
  const dev = startDev(bench, site, tool);
  const start = await served(site, tool, 'hello, storm', startedAt);
  await dev.nth('session.ready');
  const handStartedAt = performance.now();
  hand.start('hello, storm');
  row('start to first served', 'ms', [start], { byHand: [await served(site, hand, 'hello, storm', handStartedAt)] });

  const times = [];
  const byHand = [];
  for (let save = 0; save < rounds; save++) {
    const text = `sync ${save} ${Date.now()}`;
    const savedAt = performance.now();
    tool.write('src/greeting.txt', text);
    times.push(await served(site, tool, text, savedAt));
    const handSavedAt = performance.now();
    hand.write('src/greeting.txt', text);
    hand.sync('src/greeting.txt');
    byHand.push(await served(site, hand, text, handSavedAt));
  }
  row('save to served by sync', 'ms', times, { byHand, target: 45 });
  row('peak memory of dev', 'MB', [memoryMb(dev.pid, 'VmHWM')]);
  await dev.end();
}

async function measureRebuild(site) {
  const tool = helloProject(bench, site, 'bench-rebuild');
  tool.write('stormctl.yaml', tool.read('stormctl.yaml').replace(/ {4}sync:\n.*\n/, ''));
  const hand = helloByHand(bench, site, 'bench-hand-rebuild');
  const dev = startDev(bench, site, tool);
  await dev.nth('session.ready');
  const times = [];
  const byHand = [];
  for (let save = 0; save < rounds; save++) {
    const text = `rebuild ${save} ${Date.now()}`;
    const savedAt = performance.now();
    tool.write('src/greeting.txt', text);
    times.push(await served(site, tool, text, savedAt));
    await dev.nth('loop.rebuilt', save + 1);
    const handSavedAt = performance.now();
    hand.start(text);
    byHand.push(await served(site, hand, text, handSavedAt));
  }
  row('save to served by rebuild', 'ms', times, { byHand, targetRatio: 0.8 });
  await dev.end();
}

/** A save of a manifest, until the API server has what it says. By hand: `kubectl apply` of it. */
async function measureApply(site) {
  const tool = helloProject(bench, site, 'bench-apply');
  const hand = helloByHand(bench, site, 'bench-hand-apply');
  hand.start('hello, storm');
  const dev = startDev(bench, site, tool);
  await dev.nth('session.ready');
  const times = [];
  const byHand = [];
  const save = (project, value) => {
    const text = project.read('k8s/hello.yaml');
    project.write('k8s/hello.yaml', text.replace(/mode: .*/, `mode: ${value}`));
  };
  const applied = ({ namespace }, value, since) =>
    site.until(`/api/v1/namespaces/${namespace}/configmaps/hello`, (body) => body.includes(`"${value}"`), since);
  for (let turn = 0; turn < rounds; turn++) {
    const value = `bench-${turn}`;
    const savedAt = performance.now();
    save(tool, value);
    times.push(await applied(tool, value, savedAt));
    const handSavedAt = performance.now();
    save(hand, value);
    hand.apply();
    byHand.push(await applied(hand, value, handSavedAt));
  }
  row('save to applied', 'ms', times, { byHand, targetRatio: 0.5 });
  await dev.end();
}

/** Saves of 1, 10 and 300 files at once: from the last of them until an observer in every container has seen all of them. */
async function measureBatches(lab) {
  const site = values.nodes === '1' ? lab : await openThreeNodes(bench);
  for (const replicas of [1, 5]) {
    const tool = helloProject(bench, site, `bench-batches-${replicas}`);
    const spread =
      '      topologySpreadConstraints:\n        - { maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway, labelSelector: { matchLabels: { app: hello } } }\n';
    tool.edit('k8s/hello.yaml', 'spec:\n  selector:', `spec:\n  replicas: ${replicas}\n  selector:`);
    tool.edit('k8s/hello.yaml', '      containers:\n', `${spread}      containers:\n`);
    const batch = join(tool.folder, 'src/batch');
    mkdirSync(batch);
    for (let file = 0; file < 300; file++) tool.write(`src/batch/f${file}.txt`, 'as it was built\n');
    const dev = startDev(bench, site, tool);
    await dev.nth('session.ready');
    const seen = await observe(bench, site, tool, '/app/src/batch');
    if (seen.pods.length !== replicas) throw new Error(`${seen.pods.length} pods run instead of ${replicas}`);

    let save = 0;
    for (const files of [1, 10, 300]) {
      const aside = mkdtempSync(join(bench.scratch, 'by-hand-'));
      const times = [];
      const byHand = [];
      for (let turn = 0; turn < rounds; turn++) {
        save++;
        for (let file = files - 1; file > 0; file--) writeBatch(batch, file, save, files);
        const savedAt = performance.timeOrigin + performance.now();
        writeBatch(batch, 0, save, files);
        times.push((await seen.saved(save)) - savedAt);
        await pause(100, bench.signal);
        save++;
        for (let file = files - 1; file > 0; file--) writeBatch(aside, file, save, files);
        const handSavedAt = performance.timeOrigin + performance.now();
        writeBatch(aside, 0, save, files);
        await copyByHand(site, tool.namespace, seen.pods, aside, '/app/src/batch');
        byHand.push((await seen.saved(save)) - handSavedAt);
        await pause(100, bench.signal);
      }
      const name = `${files} files to ${replicas} replicas on ${seen.nodes} nodes: save to in every container`;
      row(name, 'ms', times, { byHand, target: files === 300 ? 120 : 30 });
    }
    await seen.end();
    await dev.end();
  }
}

function writeBatch(folder, file, save, files) {
  writeFileSync(join(folder, `f${file}.txt`), `save ${save} of ${files}\nfile ${file}\n`);
}

function served(site, { namespace }, text, since) {
  const path = `/api/v1/namespaces/${namespace}/services/hello:http/proxy/`;
  return site.until(path, (body) => body.startsWith(text), since);
}

/** `target`: what the median should be at most; `targetRatio`: the same, of its ratio to by hand. */
function row(name, unit, times, { byHand = [], target, targetRatio } = {}) {
  const median = round(percentile(times, 0.5));
  const columns = {
    runs: times.length,
    median,
    p95: round(percentile(times, 0.95)),
    byHand: round(percentile(byHand, 0.5)),
    ratio: ratioOf(times, byHand),
    target: target ?? (targetRatio === undefined ? undefined : `ratio ${targetRatio}`),
  };
  frame.row({ name, unit, ...columns }, `${median} ${unit}`);
}
