import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // All state hangs off a runtime, so files may share a process: a third less CPU. A module variable that leaks shows here.
    isolate: false,
    // Two files set it; in a shared process the others must not depend on their order.
    env: { TZ: 'UTC' },
  },
});
