import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['nights.test.ts'],
    // One cluster at a time, and one night after the other on it.
    fileParallelism: false,
    maxWorkers: 1,
    testTimeout: 40 * 60_000,
    hookTimeout: 5 * 60_000,
    reporters: ['verbose'],
  },
});
