import { run } from '@oclif/core';
import { exitCodeOf, printUnparsed } from './commands/unparsed.ts';

// The entry point, and the only place that ends the process: whatever a command left open must not keep it alive, and
// whatever is still on its way to a pipe must not be cut off.
try {
  await run(process.argv.slice(2), import.meta.url);
} catch (error) {
  const { COMMANDS } = await import('./commands.ts');
  const known = Object.keys(COMMANDS).map((id) => id.replaceAll(':', ' '));
  process.exitCode = exitCodeOf(error) ?? printUnparsed(error, process.argv.slice(2), known);
}
for (const stream of [process.stdout, process.stderr])
  await new Promise<void>((resolve) => stream.write('', () => resolve()));
process.exit();
