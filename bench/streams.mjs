// npm run bench:streams [-- --only forward|logs] [-- --rounds N] [-- --json FILE]: what lasts, beside kubectl in the same
// run and in turns with it. What is measured, and how: bench/README.md.
import { openFrame, ratioOf } from './frame.mjs';
import { percentile, round } from './measure.mjs';
import { measureForward } from './streams/forward.mjs';
import { measureLogs } from './streams/logs.mjs';

const frame = openFrame('bench-streams', { rounds: '5' });
const { bench, rounds } = frame;
await frame.run({
  forward: (site) => measureForward({ bench, site, rounds, row }),
  logs: (site) => measureLogs({ bench, site, rounds, row }),
});

/** `own` and `kubectl`: figures of the rounds; `target`: what the ratio of the medians should be, in words. */
function row(name, unit, own, kubectl, target) {
  const [ownMedian, otherMedian] = [own, kubectl].map((figures) => round(percentile(figures, 0.5)));
  const columns = {
    rounds: own.length,
    stormctl: ownMedian,
    kubectl: otherMedian,
    ratio: ratioOf(own, kubectl),
    target,
  };
  frame.row({ name, unit, ...columns }, `${ownMedian} ${unit}, kubectl ${otherMedian}`);
}
