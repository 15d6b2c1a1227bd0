// Bundles src/ into dist/: one small entry, a file for each command, and chunks that are loaded when a command needs them.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Plugin } from '@oclif/core';
import { build } from 'esbuild';
import { noticesOf } from './notices.mjs';

/**
 * Of the Kubernetes library only the kubeconfig is used, and its modules do nothing but declare: what is not asked for (a
 * thousand models) can be left out, which its package.json does not say. `whatwg-url` is what an old fetch asks for on
 * Node.js versions that had no URL of their own.
 */
const lighten = {
  name: 'lighten',
  setup(build) {
    build.onResolve({ filter: /^(\.|@kubernetes\/client-node)/ }, async ({ path, pluginData, ...from }) => {
      const isLibrary = [path, from.importer].some((where) => where.includes('@kubernetes/client-node'));
      if (!isLibrary || pluginData === 'resolved') return undefined;
      const { importer, resolveDir, kind } = from;
      const found = await build.resolve(path, { importer, resolveDir, kind, pluginData: 'resolved' });
      return { ...found, sideEffects: false };
    });
    build.onResolve({ filter: /^whatwg-url$/ }, ({ path }) => ({ path, namespace: 'lighten' }));
    build.onLoad({ filter: /.*/, namespace: 'lighten' }, () => ({ contents: "export { URL } from 'node:url';" }));
  },
};

/** A file for each command, where oclif looks for it by its name: `commands/run`, `commands/cluster/create`. */
const commandFiles = Object.fromEntries(
  [...readFileSync('src/commands.ts', 'utf8').matchAll(/from '\.\/commands\/(.+)\.ts'/g)].map(([, name]) => [
    `commands/${name.replace('-', '/')}`,
    `src/commands/${name}.ts`,
  ]),
);

rmSync('dist', { recursive: true, force: true });
const result = await build({
  entryPoints: { main: 'src/main.ts', ...commandFiles },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: false,
  metafile: true,
  logLevel: 'warning',
  plugins: [lighten],
  // oclif can transpile a TypeScript project on the fly; a bundle has nothing to transpile.
  external: ['typescript', 'ts-node', '*.node', 'cpu-features'],
  // The CommonJS libraries inside an ESM bundle still ask for these.
  banner: {
    js: [
      "import { createRequire as __createRequire } from 'node:module';",
      "import { dirname as __dirnameOf } from 'node:path';",
      "import { fileURLToPath as __fileOf } from 'node:url';",
      'const require = __createRequire(import.meta.url);',
      'const __filename = __fileOf(import.meta.url);',
      'const __dirname = __dirnameOf(__filename);',
    ].join(' '),
  },
});

// What oclif has to know of the commands to find them and to list them: without it every start loads all of them.
rmSync('oclif.manifest.json', { force: true });
const plugin = new Plugin({ root: process.cwd(), isRoot: true, ignoreManifest: true, errorOnManifestCreate: true });
await plugin.load();
writeFileSync('oclif.manifest.json', `${JSON.stringify(plugin.manifest)}\n`);
writeFileSync('dist/THIRD-PARTY-LICENSES.txt', noticesOf(Object.keys(result.metafile.inputs)));
