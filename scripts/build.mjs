// Bundles src/ into dist/: one small entry, the commands, and chunks that are loaded when a command needs them.
import { rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { noticesOf } from './notices.mjs';

rmSync('dist', { recursive: true, force: true });
const result = await build({
  entryPoints: ['src/main.ts', 'src/commands.ts'],
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
writeFileSync('dist/THIRD-PARTY-LICENSES.txt', noticesOf(Object.keys(result.metafile.inputs)));
