import { resolve } from 'node:path';
import { nearest } from '../lib/nearest.ts';
import type { Build, DevOverrides, Service, ServiceForward } from '../project.ts';
import { isPort, portRange } from './read-cluster.ts';
import { readAfterSync } from './read-after-sync.ts';
import { readSync } from './read-sync.ts';
import { kindOf } from '../lib/if-gone.ts';
import { nearestPath, type Reader } from './reader.ts';
import type { BuildInput, ServiceInput } from './schema.ts';

type Services = Readonly<Record<string, ServiceInput>>;
type Values = Readonly<Record<string, string | number | boolean>>;

/** @param defaults what the project says for those that say nothing. */
export async function readServices(
  input: Services,
  defaults: Pick<Service, 'restartOnConfigChange'>,
  reader: Reader,
): Promise<readonly Service[]> {
  const names = Object.keys(input);
  const services = await Promise.all(
    Object.entries(input).map(async ([name, service]) => ({
      ...(await readService(name, service, names, reader)),
      restartOnConfigChange: service.restartOnConfigChange ?? defaults.restartOnConfigChange,
    })),
  );
  checkImages(services, reader);
  return services;
}

async function readService(
  name: string,
  input: ServiceInput,
  names: readonly string[],
  reader: Reader,
): Promise<Omit<Service, 'restartOnConfigChange'>> {
  const path = ['services', name] as const;
  if (!/^[a-z0-9]([-._a-z0-9]*[a-z0-9])?$/.test(name))
    reader.wrong(path, 'the name of a service is lower-case letters, digits, dashes, dots and underscores');
  return {
    name,
    image: readImage(name, input.image, reader),
    build: await readBuild(name, input.build, names, reader),
    ...readSync(input.sync ?? [], [...path, 'sync'], reader),
    afterSync: readAfterSync(input, path, reader),
    dev: readDev(input.dev ?? {}),
    forward: (input.forward ?? []).map((pair, index) => readForward(pair, [...path, 'forward', index], reader)),
    trigger: input.trigger ?? 'auto',
    at: reader.atKey(path),
  };
}

function readImage(name: string, image: string | undefined, reader: Reader): string {
  if (image === undefined) return name;
  const path = ['services', name, 'image'];
  const bare = image.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
  if (bare !== image) reader.wrong(path, `the image is named without a tag or digest`, `write ${bare}`);
  else if (!/^[a-z0-9][-._a-z0-9]*(:\d+)?(\/[a-z0-9]([-._a-z0-9]*[a-z0-9])?)*$/.test(image))
    reader.wrong(path, `${image} is no image name`, 'it is lower-case, like storm/user-service');
  return image;
}

async function readBuild(
  name: string,
  input: ServiceInput['build'],
  names: readonly string[],
  reader: Reader,
): Promise<Build> {
  const path = ['services', name, 'build'];
  if (input === undefined) {
    const near = nearest(
      name,
      names.filter((other) => other !== name),
    );
    const next = near === undefined ? 'name the folder of its Dockerfile: `build: FOLDER`' : `did you mean ${near}?`;
    reader.wrong(['services', name], 'it has no build', next);
  }
  const build: BuildInput = typeof input === 'string' ? { context: input } : (input ?? {});
  const contextPath = typeof input === 'string' || build.context === undefined ? path : [...path, 'context'];
  const context = reader.resolve(build.context ?? '.');
  const dockerfile = resolve(context, build.dockerfile ?? 'Dockerfile');
  if (input !== undefined) {
    const isFolder = (await kindOf(context)) === 'folder';
    if (!isFolder)
      reader.wrong(contextPath, `there is no folder ${reader.show(context)}`, await nearestPath(context, reader));
    else if ((await kindOf(dockerfile)) !== 'file')
      reader.wrong(
        build.dockerfile === undefined ? contextPath : [...path, 'dockerfile'],
        `there is no file ${reader.show(dockerfile)}`,
        (await nearestPath(dockerfile, reader)) ?? 'name it: `dockerfile:`, relative to the context',
      );
  }
  return { context, dockerfile, target: build.target, args: readArgs(build.args), network: build.network };
}

function readArgs(args: BuildInput['args']): Readonly<Record<string, string>> {
  if (!Array.isArray(args)) return asTexts(args);
  return Object.fromEntries(
    args.map((arg) => {
      const equals = arg.indexOf('=');
      return [arg.slice(0, equals), arg.slice(equals + 1)];
    }),
  );
}

function readDev({ target, command, args, env }: NonNullable<ServiceInput['dev']>): DevOverrides {
  return { target, command, args, env: asTexts(env) };
}

function asTexts(values: Values | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values ?? {}).map(([key, value]) => [key, String(value)]));
}

function readForward(pair: string | number, path: readonly (string | number)[], reader: Reader): ServiceForward {
  const numbers = String(pair).split(':').map(Number);
  if (!numbers.every(isPort)) reader.wrong(path, portRange);
  const [port = 0] = numbers.slice(-1);
  return { local: numbers.length > 1 ? numbers[0] : undefined, port, at: reader.at(path) };
}

/** Two services with one image could not be told apart in the manifests. */
function checkImages(services: readonly Service[], reader: Reader): void {
  const owners = new Map<string, string>();
  for (const { name, image } of services) {
    const owner = owners.get(image);
    if (owner !== undefined) reader.wrong(['services', name, 'image'], `${owner} builds the image ${image} already`);
    owners.set(image, owner ?? name);
  }
}
