import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { connectEngine } from '../../../src/engine/connect-engine.ts';
import { listInputs } from '../../../src/images/list-inputs.ts';
import { packContext } from '../../../src/images/pack-context.ts';
import { run } from '../../../src/lib/process.ts';
import { type ContextFolder, contextFolder } from '../../support/context-folder.ts';
import { lab } from '../../support/lab.ts';
import { randomOf } from '../../support/random.ts';
import { filesOfImage } from '../images/files-of-image.ts';

const { signal } = new AbortController();
const tag = 'stormctl-test-landing:latest';

describe('a file lies in the image at the places that its landing names, and nowhere else', { skip: lab.skip }, () => {
  const engine = connectEngine(process.env);
  after(async () => {
    await engine[Symbol.asyncDispose]();
    await run('docker', ['image', 'rm', '--force', tag]);
  });

  /** @returns absolute path to the hash of its content; undefined when the build failed. */
  const build = async (folder: ContextFolder): Promise<ReadonlyMap<string, string> | undefined> => {
    const rules = await folder.rules();
    const context = packContext(rules, await listInputs(rules, signal)).stream;
    const isBuilt = await engine.build({ context, dockerfile: 'Dockerfile', tags: [tag] }, signal).then(
      () => true,
      () => false,
    );
    if (!isBuilt) return undefined;
    const files = await filesOfImage(engine, tag, signal);
    await run('docker', ['image', 'rm', '--force', tag]);
    return new Map(
      Object.entries(files).flatMap(([path, what]) =>
        what.startsWith('file') ? [[`/${path}`, what.split(' ').at(-1) ?? '']] : [],
      ),
    );
  };

  let copied = 0;
  // Of the others a builder says that they can't be built: what meets in them is a file and a folder.
  for (const seed of [1, 3, 5, 6, 10, 12, 13, 14, 16, 17, 18, 20])
    test(`a generated Dockerfile, seed ${seed}`, async () => {
      await using folder = await contextFolder();
      const { paths, dockerfile } = await generate(folder, seed);
      const image = await build(folder);
      assert.ok(image, `it can be built:\n${dockerfile}`);
      const rules = await folder.rules();
      const landingOf = rules.landings();
      for (const path of paths) {
        const hash = createHash('sha256').update(`${path} ${seed}`).digest('hex');
        const found = [...image].flatMap(([to, what]) => (what === hash ? [to] : [])).sort();
        if (rules.reach(path).kind !== 'reached') {
          assert.deepEqual(found, [], `${path}\n${dockerfile}`);
          continue;
        }
        const landing = landingOf(path);
        if (landing.kind === 'rebuild') continue;
        copied++;
        assert.deepEqual(landing.places.map(({ to }) => to).sort(), found, `${path}\n${dockerfile}`);
      }
    });

  test('enough of the generated files were copied', () => {
    assert.ok(copied > 30, `${copied}`);
  });
});

/** Destinations meet and sources overlap, so that most of what can go wrong with a place does. */
async function generate(folder: ContextFolder, seed: number) {
  const random = randomOf(seed);
  const pick = (from: readonly string[]): string => from[random(from.length)] ?? '';
  const folders = ['', 'one/', 'two/', 'one/in/', 'two/in/', 'three/a.b/'];
  const paths = folders.flatMap((each) => ['x.txt', 'y.json', 'z'].map((name) => `${each}${name}`));
  for (const path of paths) await folder.write(path, `${path} ${seed}`);
  await folder.link('link', 'one/in');
  const sources = ['one', 'two/', 'one/in', '*.json', 't*', 'one/*', 'x.txt', 'z', 'two/y.json', 't*/*', 'link', '.'];
  const targets = ['.', './', '/app/', 'sub', '$SUB/in/', '/app/x.txt', '../up/', '/deep/er/', '/app/one', '/a', '/b/'];
  const copy = (): string => {
    const keyword = pick(['COPY', 'COPY', 'COPY --chmod=700', 'ADD']);
    return random(3) === 0
      ? `${keyword} ${pick(sources)} ${pick(sources)} ${pick(targets.filter((to) => to.endsWith('/')))}`
      : `${keyword} ${pick(sources)} ${pick(targets)}`;
  };
  const lines = ['FROM scratch AS base', 'WORKDIR /app', 'ARG SUB=sub', copy(), 'FROM base', copy(), copy()];
  if (random(2) === 0) lines.splice(4, 0, 'WORKDIR sub', 'FROM scratch AS other', copy().replace('$SUB', '/o'));
  if (random(2) === 0) lines.push(lines.includes('FROM scratch AS other') ? 'COPY --from=other / /other/' : 'USER 1');
  await folder.write('.dockerignore', random(2) === 0 ? 'one/in/y.json\n**/z\n' : '');
  const dockerfile = lines.join('\n');
  await folder.write('Dockerfile', dockerfile);
  return { paths, dockerfile };
}
