import type { FileWish } from './file-step.ts';

/** A wish and when it was made. A later one for the same path in the container takes its place. */
export interface DirtyFile extends FileWish {
  readonly seq: number;
}

/** The files of one service that differ from the image that its containers were started from, in the order of their changes. */
export class DirtySet {
  readonly #files = new Map<string, DirtyFile>();
  #seq = 0;

  /** The number of the last change. */
  get seq(): number {
    return this.#seq;
  }

  /** The mode of a file that changed once, or that was removed and made anew, stays changed: the image has another one. */
  add(wish: FileWish): void {
    const before = this.#files.get(wish.to);
    const modeChanged = wish.modeChanged || (before !== undefined && (before.modeChanged || before.removed));
    this.#files.delete(wish.to);
    this.#files.set(wish.to, { ...wish, modeChanged, seq: ++this.#seq });
  }

  /** What a container lacks that has everything up to the change `seq`. */
  since(seq: number): readonly DirtyFile[] {
    return [...this.#files.values()].filter((file) => file.seq > seq);
  }

  /** Forgets the changes up to and with `seq` that an image can hold: they are in it now. */
  forget(seq: number): void {
    for (const file of this.#files.values()) if (file.seq <= seq && !file.notInImage) this.#files.delete(file.to);
  }
}
