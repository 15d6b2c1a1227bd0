/**
 * Tells the lines of one source that were written for the first time from those that came again: a session that begins reads
 * the logs of containers that run on from their first line, and two sessions at once write each line twice.
 *
 * Within a session the lines of a container are in order, but for one of an earlier stamp that comes late (stdout beside
 * stderr). So a line is old when another session has told that container's log to a later stamp, or as many lines of its
 * stamp as this session has.
 */
export class ToldLines {
  readonly #containers = new Map<string, Told>();

  /** @returns whether it is the first time. Lines are given in the order of the files. */
  isNew(session: string, origin: string, stamp: string): boolean {
    const told = this.#containers.get(origin);
    if (!told || stamp > told.stamp) {
      this.#containers.set(origin, { stamp, session, lines: new Map([[session, 1]]) });
      return true;
    }
    if (stamp < told.stamp) return session === told.session;
    const most = Math.max(...told.lines.values());
    const mine = (told.lines.get(session) ?? 0) + 1;
    told.lines.set(session, mine);
    return mine > most;
  }
}

interface Told {
  readonly stamp: string;
  /** Who told a line of that stamp first. */
  readonly session: string;
  /** How many of that stamp each session told. */
  readonly lines: Map<string, number>;
}
