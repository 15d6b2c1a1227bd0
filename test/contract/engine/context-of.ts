import { PassThrough, type Readable } from 'node:stream';
import { pack } from 'tar-stream';

/** A build context of these files; with an error it breaks off after them. */
export function contextOf(files: Readonly<Record<string, string>>, error?: Error): Readable {
  const tar = pack();
  const context = new PassThrough();
  for (const [name, text] of Object.entries(files)) tar.entry({ name, mtime: new Date(0) }, text);
  if (error) tar.on('data', () => setImmediate(() => context.destroy(error)));
  else tar.finalize();
  // It is torn down with the context, which tells the error.
  tar.on('error', () => {});
  tar.pipe(context);
  return context;
}
