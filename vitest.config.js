import { defineConfig } from 'vitest/config';

// The tests run from the compiled tree: what is tested is what ships, and worker entry URLs resolve as they do for users.
export default defineConfig({
  test: {
    include: ['dist/test/**/*.test.js'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ['default', './test/plain-summary.js'],
  },
});
