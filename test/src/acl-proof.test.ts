// A user never receives a byte of a session that the ACL denies, and whoever may have it receives it: a random life at a real relay against a
// naive model of the rules. `node dist/test/acl-lives.js` runs as many lives as wanted.
import { describe, expect, it } from 'vitest';
import type { Mistake } from '../support/acl-model.js';
import { proveAcl } from '../support/acl-proof.js';

describe('what the relay hands on', () => {
  it.each([1, 2, 3])(
    'is what a naive model of the rules allows at that moment, to the byte and in order (life %i)',
    async (seed) => {
      const counts = await proveAcl(seed, 1500);
      // A life in which nothing is refused or nothing arrives would prove nothing.
      expect(counts.uploads).toBeGreaterThan(50);
      expect(counts.uploadsRefused).toBeGreaterThan(5);
      expect(counts.opensDenied).toBeGreaterThan(20);
      expect(counts.delivered).toBeGreaterThan(50);
      expect(counts.withheld).toBeGreaterThan(5);
    },
    120_000,
  );

  const mistakes: Mistake[] = [
    'owner by prefix',
    'terminal ignored',
    'parents merged',
    'file order',
    'write without read',
    'USER is nobody',
    'stale allow',
  ];
  it.each(mistakes)(
    'differs from a model with one rule wrong: %s',
    async (mistake) => {
      await expect(proveAcl(7, 4000, mistake)).rejects.toThrow(
        /^seed 7, before step \d+: .* received .*, and by the model it is to receive /,
      );
    },
    120_000,
  );
});
