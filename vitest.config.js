import { defineConfig } from 'vitest/config';

// The tests run from the compiled tree: what is tested is what ships, and worker entry URLs resolve as they do for users.
export default defineConfig({
  test: {
    include: ['dist/test/**/*.test.js'],
    pool: 'forks',
    maxWorkers: 2,
    // Two forks on two cores, each with daemons and relays as threads or processes beside it: five times slower than alone is an ordinary day. Deadlines
    // are for what never comes; a test that is about time says so in an assertion.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 15_000 } },
    reporters: ['default', './test/plain-summary.js'],
  },
});
