import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRecord, recordOf } from '../lib/is-record.ts';

/** @returns the scripts of the folder's package.json; undefined: there is none that can be read. */
export async function readScripts(folder: string): Promise<Readonly<Record<string, string>> | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    if (!isRecord(value)) return undefined;
    return Object.fromEntries(
      Object.entries(recordOf(value['scripts'])).filter(
        (entry): entry is [string, string] => typeof entry[1] === 'string',
      ),
    );
  } catch {
    // Nothing is concluded from what can't be read.
    return undefined;
  }
}
