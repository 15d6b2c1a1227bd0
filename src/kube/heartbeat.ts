import type { WebSocket } from 'ws';

export interface HeartbeatTiming {
  readonly everyMs: number;
  /** How long the answer to a ping may take. */
  readonly limitMs: number;
}

/**
 * Pings a WebSocket until it closes, and terminates it when nothing comes back in time: a peer that vanished (a sleeping
 * laptop, a dead NAT entry) closes nothing.
 *
 * @param busy true while silence proves nothing: a server that is blocked on a process that doesn't read its input
 * answers no ping, and a socket that is paused for its own reader hears no answer.
 */
export function keepBeating(
  socket: WebSocket,
  { everyMs, limitMs }: HeartbeatTiming,
  busy: () => boolean,
  onDead: () => void,
): void {
  let askedAt: number | undefined;
  const alive = () => {
    askedAt = undefined;
  };
  const timer = setInterval(() => {
    if (busy() || socket.readyState !== socket.OPEN) {
      askedAt = undefined;
    } else if (askedAt === undefined) {
      askedAt = performance.now();
      socket.ping();
    } else if (performance.now() - askedAt >= limitMs) {
      // If this process itself was held up, the answer may have arrived and be unread: the loop reads it before this runs.
      setImmediate(() => {
        if (askedAt === undefined) return;
        onDead();
        socket.terminate();
      });
    }
  }, everyMs);
  socket.on('pong', alive);
  socket.on('message', alive);
  socket.once('close', () => clearInterval(timer));
}
