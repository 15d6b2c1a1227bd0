import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Failure } from '../errors.ts';

/** `process.env`, or as much of it as a test wants. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What stormctl uses of the docker CLI's config.json. https://docs.docker.com/reference/cli/docker/#configuration-files */
export interface DockerConfig {
  readonly currentContext?: string;
  readonly auths?: Readonly<Record<string, AuthEntry>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

export interface AuthEntry {
  /** base64 of `user:password`. */
  readonly auth?: string;
  readonly identitytoken?: string;
}

/** @returns $DOCKER_CONFIG, or ~/.docker. */
export function dockerConfigFolder(env: Environment): string {
  return env['DOCKER_CONFIG'] || join(env['HOME'] || homedir(), '.docker');
}

/**
 * @returns the docker CLI's config; empty when there is none.
 * @throws Failure `usage` when it is there and can't be read.
 */
export function readDockerConfig(env: Environment): DockerConfig {
  return readJson(join(dockerConfigFolder(env), 'config.json')) ?? {};
}

/** @returns undefined when there is no such file. @throws Failure `usage` when it can't be read. */
export function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new Failure('usage', `can't read the Docker config ${file}`, {
      where: file,
      detail: wordsOf(error),
      next: 'mend the file, or name another folder in DOCKER_CONFIG',
      cause: error,
    });
  }
}

/** The parser's message quotes the text, and that may hold a login. */
function wordsOf(error: unknown): string | undefined {
  if (error instanceof SyntaxError) return 'it is not JSON';
  return error instanceof Error ? error.message : undefined;
}
