import { type ContextFolder, contextFolder } from '../../support/context-folder.ts';
import { randomOf } from '../../support/random.ts';

/** Names that patterns can tell apart, or not. */
const names = ['a', 'b', 'ab', 'a.txt', 'b.txt', 'x y', '.hidden', 'a[1]'];

/** A tree of files, folders and links, and a Dockerfile that copies some of it, the same for the same seed. */
export async function generatedContext(seed: number): Promise<ContextFolder> {
  const random = randomOf(seed);
  const pick = <T>(from: readonly T[], or: T): T => from[random(from.length)] ?? or;
  const folder = await contextFolder();
  const folders = ['', ...Array.from({ length: 3 }, (_, index) => `d${index}`)];
  for (let index = 0; index < 3; index++)
    folders.push(`${pick(folders.slice(1), 'd0')}/${pick(names.slice(0, 3), 'a')}`);
  const paths = new Set<string>();
  for (let index = 0; index < 14; index++) {
    const path = [pick(folders, ''), `f${pick(names, 'a')}`].filter((part) => part !== '').join('/');
    paths.add(path);
    await folder.write(path, `${path} ${seed}`, pick([0o644, 0o755, 0o600], 0o644));
  }
  const [first = 'fa'] = paths;
  await folder.link('link', first);
  await folder.link('d0/up', '../d1');
  await folder.write('d1/kept', '');

  const all = [...paths];
  const source = () => {
    const path = pick(all, first);
    const parts = path.split('/');
    const forms = [
      path,
      `/${path}`,
      `./${parts[0] ?? path}`,
      [...parts.slice(0, -1), 'f*'].join('/'),
      [...parts.slice(0, -1), 'f?*'].join('/'),
      'd[0-2]',
      'd*/kept',
      'link',
      'd0/up/kept',
    ];
    return pick(forms, path).replaceAll('a[1]', 'a[[]1]');
  };
  const copies = Array.from(
    { length: 4 },
    (_, index) => `COPY ${JSON.stringify([source(), source(), `/to${index}/`])}`,
  );
  const dockerfile = [
    'FROM scratch AS one',
    ...copies.slice(0, 2),
    'FROM scratch',
    'COPY --from=one / /one/',
    ...copies.slice(2),
  ];
  if (random(4) === 0) dockerfile.push('COPY . /whole/');
  await folder.write('Dockerfile', dockerfile.join('\n'));
  return folder;
}
