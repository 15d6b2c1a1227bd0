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
 * files, and answers every batch with one line of JSON; while bytes come in it says so every second. A file is written beside and renamed, with the mode and owner of
 * the one it takes the place of; nothing is written or removed outside `root`, symbolic links on the way resolved. It ends
 * with its input, because a broken connection kills no process in a container (kubernetes-client/javascript#2532).
 */
// Folders are made one by one: node's recursive mkdir says ENOENT where a file system is read-only. Another container
// that shares the volume may make one at the same moment.
export const nodeAgentSource = String.raw`
const fs = require('fs'), { posix: path } = require('path'), crypto = require('crypto');
const tag = crypto.randomBytes(4).toString('hex');
Error.stackTraceLimit = 0;
let serial = 0, results = [], file, checked = new Set(), told = 0, chunks = [], have = 0, need = 4, sized = false;
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
  results.push({ code: e.code || 'ERROR', message: e.message, owner });
};
const dropEmpty = (folder) => {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) dropEmpty(path.join(folder, entry.name));
  fs.rmdirSync(folder);
};
const discard = () => { if (file && file.fd !== undefined) { try { fs.closeSync(file.fd); } catch (e) {} file.fd = undefined; try { fs.unlinkSync(file.beside); } catch (e) {} } };
const tryStep = (step) => { if (file.error) return; try { step(); } catch (e) { file.error = e; discard(); } };
const on = {
  1(body) {
    const head = JSON.parse(body);
    file = { path: head.path, hash: crypto.createHash('sha256') };
    tryStep(() => {
      check(head);
      const folder = path.dirname(head.path), old = lstat(head.path);
      makeFolder(folder);
      if (old && old.isDirectory()) dropEmpty(head.path);
      file.old = old && old.isFile() ? old : undefined;
      file.mode = file.old ? file.old.mode & 0o7777 : head.mode;
      if (head.modeChanged) file.mode = (file.mode & ~0o111) | (head.mode & 0o111);
      file.beside = path.join(folder, '.' + path.basename(head.path).slice(0, 50) + '.~stormctl-' + tag + serial++);
      file.fd = fs.openSync(file.beside, 'wx', 0o600);
    });
  },
  2(body) {
    tryStep(() => { for (let at = 0; at < body.length; ) at += fs.writeSync(file.fd, body, at, body.length - at); file.hash.update(body); });
  },
  3() {
    tryStep(() => {
      if (file.old) try { fs.fchownSync(file.fd, file.old.uid, file.old.gid); } catch (e) { if (e.code !== 'EPERM') throw e; }
      fs.fchmodSync(file.fd, file.mode);
      fs.closeSync(file.fd);
      file.fd = undefined;
      try { fs.renameSync(file.beside, file.path); } catch (e) { fs.unlinkSync(file.beside); throw e; }
    });
    if (file.error) failed(file.path, file.error); else results.push({ sha256: file.hash.digest('hex') });
    file = undefined;
  },
  4(body) {
    const head = JSON.parse(body);
    try { check(head); const old = lstat(head.path); if (old && !old.isDirectory()) fs.unlinkSync(head.path); results.push({}); }
    catch (e) { failed(head.path, e); }
  },
  5(body) { say({ id: JSON.parse(body).id, results }); results = []; checked.clear(); },
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
const end = () => { discard(); process.exit(); };
process.stdin.on('end', end).on('error', end);
process.stdout.on('error', end);
say({ ready: process.version, uid: process.getuid(), gid: process.getgid() });
`.replace(/\n\s*/g, '\n');
