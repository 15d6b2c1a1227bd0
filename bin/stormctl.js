#!/usr/bin/env node
import module from 'node:module';

// From Node.js 22 on what was compiled is kept for the next start: most of a start is compiling.
module.enableCompileCache?.();
await import('../dist/main.js');
