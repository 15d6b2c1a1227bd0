// npm run reference: writes docs/commands.md, every command with its flags, from the classes in src/commands/.
import { rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

// Beside the packages that it imports.
const bundle = resolve(`node_modules/.commands-${process.pid}.mjs`);
await build({
  entryPoints: ['src/commands.ts'],
  outfile: bundle,
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  logLevel: 'warning',
});
const { COMMANDS } = await import(pathToFileURL(bundle).href).finally(() => rmSync(bundle));

const commands = Object.entries(COMMANDS).toSorted(([a], [b]) => (a < b ? -1 : 1));
const { baseFlags } = COMMANDS.status;
const text = `# Commands

Made of the commands themselves by \`npm run reference\`; \`stormctl COMMAND --help\` says the same.

${commands.map(([id, command]) => section(id, command)).join('\n')}
## All commands

${flagLines(baseFlags)}
`;
if (process.argv.includes('--print')) process.stdout.write(text);
else writeFileSync('docs/commands.md', text);

function section(id, { summary, description, usage, args = {}, flags = {} }) {
  const name = id.replaceAll(':', ' ');
  const words = Object.entries(args).map(([arg, { required }]) =>
    required ? arg.toUpperCase() : `[${arg.toUpperCase()}]`,
  );
  const head = usage ? usage.replace(/ *\[FLAGS\]/, '') : [name, ...words].join(' ');
  const own = Object.fromEntries(Object.entries(flags).filter(([name, flag]) => flag !== baseFlags[name]));
  const lines = flagLines(own);
  return `## \`stormctl ${head}\`\n\n${[summary, description]
    .filter(Boolean)
    .join(' ')
    .replace(/\n+/g, (breaks) => (breaks.length > 1 ? '\n\n' : ' '))}\n${lines && `\n${lines}\n`}`;
}

function flagLines(flags) {
  return Object.entries(flags)
    .filter(([, { hidden }]) => !hidden)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, flag]) => `- \`${formOf(name, flag)}\`: ${flag.summary ?? flag.description}`)
    .join('\n');
}

function formOf(name, { char, type, allowNo, helpValue, options }) {
  const long = `--${allowNo ? '[no-]' : ''}${name}`;
  const value = type === 'boolean' ? '' : ` ${helpValue ?? options?.join('|') ?? name.toUpperCase()}`;
  return `${char ? `-${char}, ` : ''}${long}${value}`;
}
