// No way at all: the applications talk to each other. Their own ceiling, and a row of every table.
import type { Contender } from '../contender.js';

export const plainTcp: Contender = {
  name: 'plain TCP, the applications alone',
  missing: () => undefined,
  open: async ({ target }) => ({ dial: target, pids: [], close: async () => undefined }),
};
