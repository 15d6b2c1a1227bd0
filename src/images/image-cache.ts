import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeStateFolder } from '../lib/state-folder.ts';
import { writeWhole } from '../lib/write-whole.ts';
import { type KnownImage, readKnownImage, writeKnownImage } from './contents.ts';

/** Enough for some hundred builds of each service; the oldest go first. */
const mostEntries = 1000;

interface State {
  /** Service and input digest, to the image's id. */
  readonly built: Readonly<Record<string, string>>;
  /** Reference in a registry, to the digest of its manifest. */
  readonly pushed: Readonly<Record<string, string>>;
  /** Service and place, to the reference that its pods were last given. */
  readonly shipped: Readonly<Record<string, string>>;
}

const empty: State = { built: {}, pushed: {}, shipped: {} };

/**
 * Remembers in `.stormctl/images.json` which inputs gave which image and what was pushed where, and beside it what the last
 * image of each service was built from. It is a cache: it may be
 * deleted or broken at any time, and whoever asks must verify the answer. Every change is on disk, whole, when its promise
 * resolves; two processes may lose each other's last entry, never the file.
 */
export class ImageCache {
  readonly #folder: string;
  #state: State;
  #writing: Promise<void> = Promise.resolve();

  private constructor(folder: string, state: State) {
    this.#folder = folder;
    this.#state = state;
  }

  /** @param folder `.stormctl`, made with its own `.gitignore` at the first write. */
  static async open(folder: string): Promise<ImageCache> {
    return new ImageCache(folder, await readState(join(folder, 'images.json')));
  }

  /** @returns the id of the image that these inputs gave; it may be gone from the engine. */
  findBuilt(service: string, digest: string): string | undefined {
    return this.#state.built[`${service} ${digest}`];
  }

  rememberBuilt(service: string, digest: string, id: string): Promise<void> {
    return this.#change('built', `${service} ${digest}`, id);
  }

  /** @returns the image that a service's pods were last to run, and what it was built from; the engine may have lost it. */
  findContents(service: string): Promise<KnownImage | undefined> {
    return readKnownImage(this.#folder, service);
  }

  async rememberContents(service: string, image: KnownImage): Promise<void> {
    await makeStateFolder(this.#folder);
    await writeKnownImage(this.#folder, service, image);
  }

  /** @returns the digest under which a reference was pushed; it may be gone from the registry. */
  findPushed(reference: string): string | undefined {
    return this.#state.pushed[reference];
  }

  rememberPushed(reference: string, digest: string): Promise<void> {
    return this.#change('pushed', reference, digest);
  }

  /** @returns the reference that a service's pods were last given; the cluster may not find it any more. */
  findShipped(service: string, place: string): string | undefined {
    return this.#state.shipped[`${service} ${place}`];
  }

  rememberShipped(service: string, place: string, reference: string): Promise<void> {
    return this.#change('shipped', `${service} ${place}`, reference);
  }

  async #change(section: keyof State, key: string, value: string): Promise<void> {
    this.#state = { ...this.#state, [section]: withEntry(this.#state[section], key, value) };
    const written = this.#writing.then(async () => {
      const file = join(this.#folder, 'images.json');
      this.#state = merge(await readState(file), this.#state);
      await makeStateFolder(this.#folder);
      await writeWhole(file, `${JSON.stringify(this.#state, undefined, 2)}\n`);
    });
    // The next change writes all of it again, so one that failed must not stop it.
    this.#writing = written.catch(() => {});
    await written;
  }
}

/** Puts the entry last, as the youngest. */
function withEntry(entries: Readonly<Record<string, string>>, key: string, value: string): Record<string, string> {
  const { [key]: _, ...others } = entries;
  return Object.fromEntries([...Object.entries(others), [key, value] as const].slice(-mostEntries));
}

function merge(old: State, young: State): State {
  const join = (one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      [...Object.entries(one).filter(([key]) => !(key in other)), ...Object.entries(other)].slice(-mostEntries),
    );
  return {
    built: join(old.built, young.built),
    pushed: join(old.pushed, young.pushed),
    shipped: join(old.shipped, young.shipped),
  };
}

async function readState(file: string): Promise<State> {
  try {
    const value = JSON.parse(await readFile(file, 'utf8')) as Partial<Record<string, unknown>> | null;
    return {
      built: stringsOf(value?.['built']),
      pushed: stringsOf(value?.['pushed']),
      shipped: stringsOf(value?.['shipped']),
    };
  } catch {
    // Missing, unreadable or broken: a cache that knows nothing.
    return empty;
  }
}

function stringsOf(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
