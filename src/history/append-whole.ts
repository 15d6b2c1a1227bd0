import { type FileHandle, open } from 'node:fs/promises';

/**
 * Appends whole lines to a file that others may append to, and that may end in the middle of a line: of a process that was
 * killed, or of a disk that was full. For its owner alone to read: logs hold what programs let slip.
 *
 * @param cut a line that is put behind such an end, to tell of it.
 * @throws what the file system says; a part may be written then.
 */
export async function appendWhole(file: string, text: string, cut = ''): Promise<void> {
  const handle = await open(file, 'a+', 0o600);
  try {
    const { size } = await handle.stat();
    // One write, so that lines of two sessions do not mix.
    await handle.appendFile((await isCutOff(handle, size)) ? `\n${cut}${text}` : text);
  } finally {
    await handle.close();
  }
}

async function isCutOff(handle: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return false;
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return bytesRead === 1 && buffer[0] !== 0x0a;
}
