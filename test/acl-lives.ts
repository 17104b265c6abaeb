// Runs the randomised proof of the ACL over a range of seeds and stops at the first that fails:
// node dist/test/acl-lives.js --seeds 100 --from 0 --steps 5000. Exit code 1 with the seed, the step, and who received what.
import { parseArgs } from 'node:util';
import { proveAcl } from './support/acl-proof.js';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '0' },
    steps: { type: 'string', default: '5000' },
  },
});
const [seeds = 0, from = 0, steps = 0] = [values.seeds, values.from, values.steps].map(Number);
if (![seeds, from, steps].every(Number.isSafeInteger) || seeds < 1 || from < 0 || steps < 1) {
  console.error('usage: node dist/test/acl-lives.js [--seeds N] [--from S] [--steps N]');
  process.exit(64);
}
for (let seed = from; seed < from + seeds; seed += 1) {
  try {
    const counts = await proveAcl(seed, steps);
    console.log(
      `seed ${seed}: ${Object.entries(counts)
        .map(([name, count]) => `${count} ${name}`)
        .join(', ')}`,
    );
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}
