// Runs the simulator over a range of seeds and stops at the first that fails: node dist/test/sim-million.js --seeds 1000000 --from 0
// Exit code 1 with the seed, what went wrong and the events that led to it.

import { parseArgs } from 'node:util';
import { replay, simulate } from '../native-free/sim/index.js';

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '1000000' }, from: { type: 'string', default: '0' } } });
const seeds = Number(values.seeds);
const from = Number(values.from);
if (!Number.isSafeInteger(seeds) || !Number.isSafeInteger(from) || seeds < 1 || from < 0) {
  console.error('usage: node dist/test/sim-million.js [--seeds N] [--from S]');
  process.exit(64);
}

const started = performance.now();
let reported = started;
let gaveUp = 0;
for (let seed = from; seed < from + seeds; seed += 1) {
  const outcome = simulate(seed);
  gaveUp += outcome.failures;
  if (outcome.failure !== undefined) {
    console.error(replay(seed).trace.join('\n'));
    console.error(`seed ${seed}: ${outcome.failure}`);
    process.exit(1);
  }
  const now = performance.now();
  if (now - reported < 5000 && seed !== from + seeds - 1) continue;
  reported = now;
  const done = seed - from + 1;
  const perSecond = Math.round((done / (now - started)) * 1000);
  console.log(`${done} of ${seeds} seeds, ${perSecond} per second, ${gaveUp} cores gave up`);
}
