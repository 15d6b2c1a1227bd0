/** Told of each local file that was read, by its absolute path, with the SHA-256 of its bytes; undefined: it was not there. */
export type OnRead = (path: string, sha256: string | undefined) => void;
