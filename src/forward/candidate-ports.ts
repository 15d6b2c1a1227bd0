import { createHash } from 'node:crypto';

/** Below the ports that systems hand out for outgoing connections, and below NodePorts and the MongoDB port. */
const lowest = 20_000;
const highest = 26_999;
const howMany = 20;

/**
 * Free ports to try for what `key` names, in their order: the same for the same key, so that a port that is chosen is the
 * same one again in the next session as long as nobody else takes it. The last is 0: any that the system has.
 */
export function candidatePorts(key: string): readonly number[] {
  const first = createHash('sha256').update(key).digest().readUInt32BE(0);
  const ports = Array.from({ length: howMany }, (_, index) => lowest + ((first + index) % (highest - lowest + 1)));
  return [...ports, 0];
}
