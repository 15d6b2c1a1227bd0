import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { filesIn } from '../lib/glob.ts';
import { stringifyJson } from '../lib/json.ts';
import type { DeployStep } from '../project.ts';
import type { InputFiles } from './render-inputs.ts';
import type { RenderedObject } from './render-step.ts';

/**
 * What the steps of a session gave last, by what they read then. A step whose inputs hold the same bytes is not rendered
 * again. What it fetches from elsewhere counts as unchanged until `forget`.
 */
export class RenderMemory {
  #last = new Map<string, Remembered>();

  /** Every step is rendered anew the next time. */
  forget(): void {
    this.#last.clear();
  }

  /**
   * @param inputs what the step reads, as they were found just now: a file that changes while it is read makes the next
   * render a new one.
   * @returns what the step gives; an error of `render` is passed on, and nothing remembered of it.
   */
  async take(
    step: DeployStep,
    namespace: string,
    inputs: InputFiles,
    render: () => Promise<readonly RenderedObject[]>,
  ): Promise<readonly RenderedObject[]> {
    const key = stringifyJson([step, namespace]);
    const stamp = await stampOf(inputs);
    const known = this.#last.get(key);
    if (known?.stamp === stamp) return known.objects;
    const objects = await render();
    this.#last.set(key, { stamp, objects });
    return objects;
  }
}

interface Remembered {
  readonly stamp: string;
  readonly objects: readonly RenderedObject[];
}

async function stampOf({ files, areas }: InputFiles): Promise<string> {
  const found = await Promise.all(areas.map(filesIn));
  const all = [...new Set([...files, ...found.flat()])].sort();
  const hash = createHash('sha256');
  for (const file of all) {
    const content = await readFile(file).catch(() => undefined);
    hash.update(`${content === undefined ? 'none' : content.length} ${file}\n`).update(content ?? '');
  }
  return hash.digest('hex');
}
