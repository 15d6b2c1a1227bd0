import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

interface Lint {
  readonly overrides: readonly {
    readonly files: readonly string[];
    readonly rules: { readonly 'no-restricted-imports'?: readonly [string, Restriction] };
  }[];
}

interface Restriction {
  readonly patterns: readonly { readonly group: readonly string[] }[];
}

const rooms = readdirSync('src', { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
const map = readFileSync('ARCHITECTURE.md', 'utf8');
/** By room, of the rows `| 3 | `images/`, … | … |`. */
const layers = new Map(
  [...map.matchAll(/^\| (\d) \| ([^|]+) \|/gm)].flatMap(([, layer, names = '']) =>
    [...names.matchAll(/`(\w+)\/`/g)].map(([, name = '']) => [name, Number(layer)] as const),
  ),
);

/** What the linter lets no file of a room import; undefined: it has no list for the room. */
function forbiddenIn(room: string): readonly string[] | undefined {
  const { overrides } = JSON.parse(readFileSync('.oxlintrc.json', 'utf8')) as Lint;
  const own = overrides.find(({ files }) => files.includes(`src/${room}/**`));
  return own?.rules['no-restricted-imports']?.[1].patterns.flatMap(({ group }) => group);
}

test('ARCHITECTURE.md gives each folder of src a layer, and says what it owns', () => {
  assert.deepEqual([...layers.keys()].toSorted(), rooms.toSorted());
  const unowned = rooms.filter((room) => !new RegExp(`^\\| \`${room}/\` \\| .`, 'm').test(map));
  assert.deepEqual(unowned, []);
});

test('the linter lets no room import one of a higher layer', () => {
  for (const room of rooms) {
    const forbidden = forbiddenIn(room);
    assert.ok(forbidden, `${room}/ has a list`);
    const higher = rooms.filter((other) => (layers.get(other) ?? 0) > (layers.get(room) ?? 0));
    const open = higher.filter((other) => ![`../${other}/**`, '../*/**'].some((glob) => forbidden.includes(glob)));
    assert.deepEqual(open, [], `${room}/ may not import these`);
  }
});
