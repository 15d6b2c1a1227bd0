const now = performance.now.bind(performance);

/**
 * Resolves as soon as it holds, looking at every turn of the event loop: for what tells nobody that it has changed.
 * What has not come within a minute does not come, on a busy machine either.
 *
 * @throws with the condition's own source, so that a test that would hang says on what.
 */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = now() + 60_000;
  while (!(await holds())) {
    if (now() > end) throw new Error(`waited in vain until ${String(holds)}`);
    await new Promise(setImmediate);
  }
}
