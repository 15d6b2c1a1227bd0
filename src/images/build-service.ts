import type { ContextRules } from '../context/read-context.ts';
import { BuildError, type BuildProgress, type Engine } from '../engine/engine.ts';
import { Failure } from '../errors.ts';
import type { Reporter } from '../events.ts';
import type { OnRead } from '../lib/on-read.ts';
import type { Build, Service } from '../project.ts';
import { type Difference, differenceOf } from './contents.ts';
import { digestInputs, type Inputs } from './digest-inputs.ts';
import type { HashCache } from './hash-cache.ts';
import type { ImageCache } from './image-cache.ts';
import { type InputFile, listInputs } from './list-inputs.ts';
import { packContext } from './pack-context.ts';
import { remember } from './remember.ts';

/** How many lines of a failed step are shown. */
const shownLines = 20;

export interface BuildServiceRequest {
  readonly engine: Engine;
  readonly service: Service;
  readonly build: Build;
  /** Of the same build. */
  readonly rules: ContextRules;
  readonly images: ImageCache;
  readonly hashes: HashCache;
  /**
   * Asked whether the last image will do, from which the inputs differ by some files: whoever answers yes says so and brings
   * them to its containers. Without it only an image of the very inputs will do.
   */
  readonly accept?: ((difference: Difference) => boolean) | undefined;
  /** Told of each file that goes into the image, when it is read. */
  readonly onRead?: OnRead | undefined;
  /** Why it is built, in a few words. */
  readonly because: string;
  readonly report: Reporter;
  readonly signal: AbortSignal;
}

export interface BuiltService {
  /** The image's id: `sha256:…`. */
  readonly id: string;
  /** Of the inputs; undefined when it was not built from just these. */
  readonly digest: string | undefined;
  /** Whether it was there already. */
  readonly cached: boolean;
  readonly ms: number;
}

/**
 * Builds the image of a service, unless its inputs gave one before that the engine still has.
 *
 * The digest that is remembered is that of the bytes that were sent, not of those that were listed: a file that changes
 * in between can't give the old inputs the new image.
 *
 * @throws Failure `build` with the Dockerfile's line and the end of what the failed step printed; AbortError once the
 * signal is aborted, when the engine's work is stopped and no file is read any more.
 */
export async function buildService(request: BuildServiceRequest): Promise<BuiltService> {
  const { service, rules, images, hashes, because, report, signal } = request;
  const start = performance.now();
  const files = await listInputs(rules, signal);
  const { digest, contents } = await digestInputs(rules, files, hashes, signal);
  const finish = async (id: string, built: Inputs | undefined, cached: boolean): Promise<BuiltService> => {
    if (built) await remember(images.rememberContents(service.name, { id, contents: built.contents }), service, report);
    const ms = Math.round(performance.now() - start);
    report({ type: 'build.done', service: service.name, image: localTag(service), cached, ms });
    return { id, ms, digest: built?.digest, cached };
  };
  const found = await findImage(request, images.findBuilt(service.name, digest));
  if (found !== undefined) return finish(found, { digest, contents }, true);
  const near = await findNear(request, contents);
  if (near !== undefined)
    return { id: near, digest: undefined, cached: true, ms: Math.round(performance.now() - start) };

  report({ type: 'build.started', service: service.name, because });
  const built = await send(request, files);
  if (built.inputs) await remember(images.rememberBuilt(service.name, built.inputs.digest, built.id), service, report);
  return finish(built.id, built.inputs, false);
}

/** The name that the image has in the engine. */
function localTag({ image }: Service): string {
  return `${image}:latest`;
}

async function findImage(
  { engine, service, signal }: BuildServiceRequest,
  id: string | undefined,
): Promise<string | undefined> {
  const info = id === undefined ? undefined : await engine.inspectImage(id, signal);
  if (!info) return undefined;
  // Another build may have taken the name meanwhile.
  if (!info.repoTags.includes(localTag(service))) await engine.tag(info.id, localTag(service), signal);
  return info.id;
}

/** @returns the last image, if the engine has it and its difference from the inputs is accepted. */
async function findNear(request: BuildServiceRequest, contents: Inputs['contents']): Promise<string | undefined> {
  const { service, images, accept } = request;
  const known = accept && (await images.findContents(service.name));
  const difference = known && differenceOf(known.contents, contents);
  if (!difference) return undefined;
  const found = await findImage(request, known.id);
  return found !== undefined && accept(difference) ? found : undefined;
}

async function send(
  request: BuildServiceRequest,
  files: readonly InputFile[],
): Promise<{ readonly id: string; readonly inputs: Inputs | undefined }> {
  const { engine, service, build, rules, onRead, report, signal } = request;
  const packed = packContext(rules, files, onRead);
  try {
    const { id } = await engine.build(
      {
        context: packed.stream,
        dockerfile: rules.dockerfile,
        tags: [localTag(service)],
        target: build.target,
        args: build.args,
        labels: { 'dev.stormctl.service': service.name },
        network: build.network,
        onProgress: (progress) => tell(progress, service.name, report),
      },
      signal,
    );
    return { id, inputs: packed.inputs() };
  } catch (error) {
    throw error instanceof BuildError ? failureOf(error, request) : error;
  } finally {
    packed.stream.destroy();
    await packed.ended;
  }
}

function tell(progress: BuildProgress, service: string, report: Reporter): void {
  switch (progress.type) {
    case 'step':
      report({ type: 'build.step', service, step: progress.name, cached: progress.cached, ms: progress.ms });
      break;
    case 'output':
      report({ type: 'build.output', service, line: progress.line });
      break;
    case 'started':
      break;
  }
}

function failureOf(error: BuildError, { service, build, rules }: BuildServiceRequest): Failure {
  const line = (error.step === undefined ? undefined : rules.lineOf(error.step)) ?? lineIn(error.message);
  const output = error.output.slice(-shownLines).join('\n');
  const [summary = '', ...more] = error.message.trim().split('\n');
  return new Failure('build', `${service.name}: ${summary}`, {
    where: line === undefined ? build.dockerfile : `${build.dockerfile}:${line}`,
    detail: output === '' ? more.join('\n') || undefined : output,
    next: `correct it and save, or run \`stormctl build ${service.name}\``,
    cause: error,
  });
}

/** BuildKit's own parser names the line in words. */
function lineIn(message: string): number | undefined {
  const [, line] = /dockerfile parse error (?:on )?line (\d+)/i.exec(message) ?? [];
  return line === undefined ? undefined : Number(line);
}
