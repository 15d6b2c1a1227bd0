/** Why a lasting stream was ended from here: the machine slept, and what is at the other end is unknown. */
export class Slept extends Error {
  override readonly name = 'Slept';
  readonly code = 'ECONNRESET';

  constructor() {
    super('this machine slept, and its connections may be dead');
  }
}
