/** What a frame holds: its first byte. A frame is its length (4 bytes, big-endian, without themselves), this, the rest. */
export const frameKinds = {
  /** JSON `{path, root, mode, modeChanged}`: a file begins; `data` frames with its bytes follow, then `commit`. */
  begin: 1,
  data: 2,
  commit: 3,
  /** JSON `{path, root}` */
  remove: 4,
  /** JSON `{id}`: the batch is whole and wants its answer. */
  end: 5,
} as const;

/**
 * What runs in a container by `node -e`, in the syntax of Node 12: it reads frames from its standard input, writes the
 * files, and answers every batch with one line of JSON; while bytes come in it says so every second. A file is written
 * beside and renamed, with the mode and owner of the one it takes the place of; nothing is written or removed outside
 * `root`, symbolic links on the way resolved. It ends with its input, because a broken connection kills no process in a
 * container (kubernetes-client/javascript#2532), and leaves nothing half-written.
 */
// To make a file and to rename one over another is what takes long: 300 of them 170 ms one after the other on ext4 below
// an overlay, 87 ms with eight under way. A file of more than one frame is written as it comes.
// Folders are made one by one: node's recursive mkdir says ENOENT where a file system is read-only. Another container
// that shares the volume may make one at the same moment.
export const nodeAgentSource = String.raw`
const fs = require('fs'), { posix: path } = require('path'), crypto = require('crypto');
const tag = crypto.randomBytes(4).toString('hex');
Error.stackTraceLimit = 0;
let serial = 0, results = [], file, checked = new Set(), told = 0, chunks = [], have = 0, need = 4, sized = false;
let active = 0, waiting = [], waitingBytes = 0, drained, ending = false;
const say = (message) => process.stdout.write('\u0001stormctl ' + JSON.stringify(message) + '\n');
const inside = (p, root) => p === root || p.startsWith(root === '/' ? '/' : root + '/');
const lstat = (p) => { try { return fs.lstatSync(p, { throwIfNoEntry: false }); } catch (e) { if (e.code === 'ENOENT' || e.code === 'ENOTDIR') return; throw e; } };
const makeFolder = (p) => {
  if (fs.existsSync(p)) return;
  makeFolder(path.dirname(p));
  try { fs.mkdirSync(p); } catch (e) { if (e.code !== 'EEXIST') throw e; }
};
const real = (p) => {
  for (let rest = ''; ; p = path.dirname(p)) {
    try { return path.join(fs.realpathSync(p), rest); }
    catch (e) { if (e.code !== 'ENOENT' || p === '/') throw e; rest = path.join(path.basename(p), rest); }
  }
};
const check = ({ path: p, root }) => {
  const folder = path.dirname(p), key = folder + '\0' + root;
  let ok = path.isAbsolute(p) && path.normalize(p) === p && p !== root && inside(p, root);
  if (ok && !checked.has(key)) ok = inside(real(folder), real(root));
  if (!ok) throw Object.assign(new Error('EOUTSIDE: ' + p + ' is not inside ' + root), { code: 'EOUTSIDE' });
  checked.add(key);
};
const failed = (p, e) => {
  let owner, folder = path.dirname(p);
  for (; !owner; folder = path.dirname(folder)) try { const s = fs.statSync(folder); owner = { folder, uid: s.uid, gid: s.gid }; } catch (e) { if (folder === '/') break; }
  return { code: e.code || 'ERROR', message: e.message, owner };
};
const dropEmpty = (folder) => {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) dropEmpty(path.join(folder, entry.name));
  fs.rmdirSync(folder);
};
const prepare = (file) => {
  const { head } = file;
  check(head);
  const folder = path.dirname(head.path), old = lstat(head.path);
  makeFolder(folder);
  if (old && old.isDirectory()) dropEmpty(head.path);
  file.old = old && old.isFile() ? old : undefined;
  file.mode = file.old ? file.old.mode & 0o7777 : head.mode;
  if (head.modeChanged) file.mode = (file.mode & ~0o111) | (head.mode & 0o111);
  file.beside = path.join(folder, '.' + path.basename(head.path).slice(0, 50) + '.~stormctl-' + tag + serial++);
};
const fill = (file, body) => { for (let at = 0; at < body.length; ) at += fs.writeSync(file.fd, body, at, body.length - at); file.hash.update(body); };
const seal = (file) => {
  if (file.old) try { fs.fchownSync(file.fd, file.old.uid, file.old.gid); } catch (e) { if (e.code !== 'EPERM') throw e; }
  fs.fchmodSync(file.fd, file.mode);
  fs.closeSync(file.fd);
  file.fd = undefined;
};
const discard = (file) => {
  if (file.fd !== undefined) try { fs.closeSync(file.fd); } catch (e) {}
  if (file.fd !== undefined || file.sealed) try { fs.unlinkSync(file.beside); } catch (e) {}
  file.fd = undefined;
};
const settle = (file, e) => {
  if (e) discard(file);
  results[file.at] = e ? failed(file.head.path, e) : { sha256: file.hash.digest('hex') };
};
const tryStep = (step) => { if (file.error) return; try { step(); } catch (e) { file.error = e; discard(file); } };
const next = () => {
  while (!ending && active < 8 && waiting.length) { active++; place(waiting.shift()); }
  if (waitingBytes < 4194304 && process.stdin.isPaused()) process.stdin.resume();
  if (active) return;
  if (ending) process.exit();
  if (drained) { drained(); drained = undefined; }
};
const place = (file) => {
  const done = (e) => { settle(file, e); active--; waitingBytes -= file.bytes.length; setImmediate(next); };
  try { prepare(file); } catch (e) { return done(e); }
  fs.open(file.beside, 'wx', 0o600, (e, fd) => {
    if (e) return done(e);
    file.fd = fd;
    if (ending) return done(new Error('ending'));
    try { fill(file, file.bytes); seal(file); file.sealed = true; } catch (e) { return done(e); }
    fs.rename(file.beside, file.head.path, done);
  });
};
const on = {
  1(body) {
    file = { head: JSON.parse(body), at: results.push(undefined) - 1, hash: crypto.createHash('sha256'), bytes: Buffer.alloc(0), parts: 0 };
  },
  2(body) {
    if (file.parts++ === 0) { file.bytes = body; return; }
    if (file.parts === 2) tryStep(() => { prepare(file); file.fd = fs.openSync(file.beside, 'wx', 0o600); fill(file, file.bytes); });
    tryStep(() => fill(file, body));
  },
  3() {
    if (file.parts < 2) {
      waiting.push(file);
      waitingBytes += file.bytes.length;
      if (waitingBytes >= 4194304) process.stdin.pause();
      next();
    } else {
      tryStep(() => { seal(file); file.sealed = true; fs.renameSync(file.beside, file.head.path); });
      settle(file, file.error);
    }
    file = undefined;
  },
  4(body) {
    const head = JSON.parse(body);
    try { check(head); const old = lstat(head.path); if (old && !old.isDirectory()) fs.unlinkSync(head.path); results.push({}); }
    catch (e) { results.push(failed(head.path, e)); }
  },
  5(body) { drained = () => { say({ id: JSON.parse(body).id, results }); results = []; checked.clear(); }; next(); },
};
process.stdin.on('data', (chunk) => {
  chunks.push(chunk);
  have += chunk.length;
  if (Date.now() - told > 1000) { told = Date.now(); say({ taking: true }); }
  while (have >= need) {
    const all = chunks.length > 1 ? Buffer.concat(chunks, have) : chunks[0];
    chunks = [all];
    if (!sized) { need = 4 + all.readUInt32BE(0); sized = true; continue; }
    on[all[4]](all.subarray(5, need));
    chunks = [all.subarray(need)];
    have -= need;
    need = 4;
    sized = false;
  }
});
const end = () => { ending = true; if (file) discard(file); next(); };
process.stdin.on('end', end).on('error', end);
process.stdout.on('error', end);
say({ ready: process.version, uid: process.getuid(), gid: process.getgid() });
`.replace(/\n\s*/g, '\n');
