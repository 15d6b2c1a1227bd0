import { Failure } from '../errors.ts';
import { formatId, idOf, keyOf } from '../objects.ts';
import type { DeployStep } from '../project.ts';
import { inputsOf } from './inputs.ts';
import type { RenderInputs } from './render-inputs.ts';
import type { RenderMemory } from './render-memory.ts';
import { type RenderedObject, type RenderOptions, renderStep } from './render-step.ts';

export interface RenderedStep {
  readonly step: DeployStep;
  readonly objects: readonly RenderedObject[];
  readonly inputs: RenderInputs;
}

/**
 * Reads every object of the project, in the order of the steps.
 *
 * @param options with a `memory`, what has not changed since is not rendered again.
 * @throws Failure `usage` for YAML that can't be parsed, something that is no Kubernetes object, an object given twice, or
 * a kustomization or chart that can't be rendered; AbortError.
 */
export async function render(
  steps: readonly DeployStep[],
  { memory, ...options }: RenderOptions & { readonly memory?: RenderMemory | undefined },
): Promise<readonly RenderedStep[]> {
  const rendered = await Promise.all(
    steps.map(async (step) => {
      const inputs = await inputsOf(step, options.root);
      const objects = memory
        ? await memory.take(step, options.namespace, inputs, () => renderStep(step, options))
        : await renderStep(step, options);
      return { step, objects, inputs };
    }),
  );
  refuseDuplicates(rendered.flatMap(({ objects }) => objects));
  return rendered;
}

function refuseDuplicates(objects: readonly RenderedObject[]): void {
  const seen = new Map<string, string>();
  for (const { object, where } of objects) {
    const id = idOf(object);
    const first = seen.get(keyOf(id));
    if (first !== undefined)
      throw new Failure('usage', `${formatId(id)} is given twice: ${first} and ${where}`, {
        where,
        next: 'remove one of them, or give it another name or namespace',
      });
    seen.set(keyOf(id), where);
  }
}
