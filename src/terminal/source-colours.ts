import type { Colour } from './style.ts';

// Not red, which says that something failed. Those beside each other differ most.
const colours: readonly Colour[] = [
  'cyan',
  'green',
  'magenta',
  'yellow',
  'blue',
  'cyanBright',
  'greenBright',
  'magentaBright',
  'yellowBright',
  'blueBright',
];
const known = 2000;

/**
 * A colour for each source, by its name alone: the same in every session and on every machine. Only where two names of one
 * session come to the same colour, the later one takes the next that is free; names that are expected come first, in the
 * order of the alphabet, so that for the services of a project this is the same in every session too.
 */
export class SourceColours {
  readonly #given = new Map<string, Colour>();
  readonly #taken = new Set<Colour>();

  expect(names: readonly string[]): void {
    for (const name of names.toSorted()) this.of(name);
  }

  of(name: string): Colour {
    const given = this.#given.get(name);
    if (given !== undefined) return given;
    // A session of weeks sees names without end.
    if (this.#given.size >= known) this.#given.clear();
    const first = hash(name) % colours.length;
    const turned = [...colours.slice(first), ...colours.slice(0, first)];
    const colour = turned.find((each) => !this.#taken.has(each)) ?? turned[0] ?? 'cyan';
    this.#given.set(name, colour);
    this.#taken.add(colour);
    return colour;
  }
}

function hash(name: string): number {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return sum;
}
