/** A live watch on the entries of one folder, not on what is below its subfolders. */
export interface FolderWatch {
  /** The kernel had no watch left for it: its files are compared with their last state a few times a second. */
  readonly polling: boolean;
  close(): Promise<void>;
}

export interface FolderEvents {
  /** Something happened to the entry `name`, to the folder itself (its own name), or, without a name, to any of them. */
  readonly changed: (name: string | undefined) => void;
  readonly failed: (error: Error) => void;
  /** The kernel refused a watch (ENOSPC, EMFILE); the folder is polled instead. */
  readonly limited: (error: NodeJS.ErrnoException) => void;
}
