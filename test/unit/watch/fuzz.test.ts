import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { everything, ScratchFolder, WatchedFolder } from './watched-folder.ts';

/** Writes, renames over, moves, removes and makes files and folders at random, with and without pauses between. */
const mutator = `
const fs = require('fs'), path = require('path');
const [root, seedText] = process.argv.slice(1);
let seed = Number(seedText);
const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
const pick = (list) => list[Math.floor(random() * list.length)];
const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
const all = (folder, found = { files: [], folders: [folder] }) => {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const p = path.join(folder, entry.name);
    if (entry.isDirectory()) { found.folders.push(p); all(p, found); } else found.files.push(p);
  }
  return found;
};
for (let i = 0; i < 300; i++) {
  const { files, folders } = all(root);
  const below = folders.slice(1);
  const what = random();
  try {
    if (what < 0.3) fs.writeFileSync(pick(files), 'w' + (i % 10));
    else if (what < 0.45) { const p = pick(files); fs.writeFileSync(p + '.tmp', 'a' + i); fs.renameSync(p + '.tmp', p); }
    else if (what < 0.55) { const p = pick(folders) + '/n' + i; fs.mkdirSync(p + '/x/y', { recursive: true }); fs.writeFileSync(p + '/x/y/q', 'q' + i); fs.writeFileSync(p + '/r', 'r' + i); }
    else if (what < 0.65) fs.renameSync(pick(below), pick(folders) + '/mv' + i);
    else if (what < 0.72) { const p = pick(below); fs.rmSync(p, { recursive: true }); if (random() < 0.5) { fs.mkdirSync(p); fs.writeFileSync(p + '/again', 'g' + i); } }
    else if (what < 0.8) { const [p, q] = [pick(below), pick(below)]; fs.renameSync(p, p + '.aside'); fs.renameSync(q, p); }
    else if (what < 0.9) fs.unlinkSync(pick(files));
    else { const p = pick(folders) + '/b' + i; fs.mkdirSync(p); for (let j = 0; j < 40; j++) fs.writeFileSync(p + '/k' + j, 'k' + i); }
  } catch {}
  if (random() < 0.5) sleep(Math.floor(random() * 15));
}`;

for (const [seed, roots] of [
  [1, 'that stay'],
  [2, 'that stay'],
  [3, 'set again at every batch'],
  [4, 'set again at every batch'],
] as const) {
  test(`a mirror that follows the batches of roots ${roots} equals the disk after 300 random operations (seed ${seed})`, {
    timeout: 120_000,
  }, async () => {
    using folder = new ScratchFolder();
    for (let i = 0; i < 5; i++) folder.write(`d${i}/f`, '0');
    const mirror = readTree(folder.path);
    await using watched = await WatchedFolder.start(folder);
    const ended = new Promise((resolve) => {
      spawn(process.execPath, ['-e', mutator, folder.path, `${seed}`], { stdio: 'inherit' }).on('exit', resolve);
    });
    void ended.then(() => folder.write('the-last-of-all'));
    for (let done = false; !done; ) {
      const { changed, removed } = await watched.next();
      for (const path of removed) mirror.delete(path);
      for (const path of changed) watched.watch.taken(folder.at(path), follow(mirror, folder.at(path), path));
      done = changed.includes('the-last-of-all');
      if (roots !== 'that stay') void watched.watch.update([everything(folder.path)]);
    }
    assert.equal(await ended, 0);
    assert.deepEqual(new Map([...mirror].sort()), new Map([...readTree(folder.path)].sort()));
    assert.deepEqual(watched.problems, []);
  });
}

/** As sync does: the file as it is when the batch is read; one that has gone by then is in a later batch. @returns its hash. */
function follow(mirror: Map<string, string>, from: string, path: string): string | undefined {
  try {
    const text = readFileSync(from, 'utf8');
    mirror.set(path, text);
    return createHash('sha256').update(text).digest('hex');
  } catch {
    mirror.delete(path);
    return undefined;
  }
}

function readTree(root: string): Map<string, string> {
  const paths = readdirSync(root, { recursive: true, withFileTypes: true }).map((e) => join(e.parentPath, e.name));
  const files = paths.filter((path) => statSync(path).isFile());
  return new Map(files.map((path) => [relative(root, path), readFileSync(path, 'utf8')]));
}
