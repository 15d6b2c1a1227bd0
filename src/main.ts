import { run } from '@oclif/core';
import { commandFirst } from './commands/command-first.ts';
import { exitCodeOf, printUnparsed } from './commands/unparsed.ts';

// The entry point, and the only place that ends the process: whatever a command left open must not keep it alive, and
// whatever is still on its way to a pipe must not be cut off.
const argv = commandFirst(process.argv.slice(2));
try {
  await run(argv, import.meta.url);
} catch (error) {
  const { COMMANDS } = await import('./commands.ts');
  const known = Object.keys(COMMANDS).map((id) => id.replaceAll(':', ' '));
  process.exitCode = exitCodeOf(error) ?? printUnparsed(error, argv, known);
}
for (const stream of [process.stdout, process.stderr])
  await new Promise<void>((resolve) => stream.write('', () => resolve()));
process.exit();
